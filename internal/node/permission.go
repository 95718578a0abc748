package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/renewal"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
)

// permissions asks the leader whether the data of the own server may be fetched anew, answers a leader that asks, and decides as the leader.
type permissions struct {
	node *node

	mu  sync.Mutex // guards own
	own renewal.Node

	deciding sync.Mutex // one decision is made at a time; guards giver
	giver    renewal.Leader

	surveys chan replicator.Survey // holds the last one that is to be made
}

func newPermissions(n *node) *permissions {
	return &permissions{node: n, surveys: make(chan replicator.Survey, 1)}
}

// note changes what this node knows of itself.
func (p *permissions) note(change func(*renewal.Node)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.own)
}

// ask asks for permission, and takes it. An error says why there is none.
func (p *permissions) ask(ctx context.Context, drop bool) error {
	p.note((*renewal.Node).Ask)
	answer, err := p.askLeader(ctx, renewal.Request{Floor: p.node.journal.Floor().Index, Drop: drop})
	p.note(func(own *renewal.Node) {
		if err != nil {
			own.Unanswered()
		} else {
			err = own.Answered(answer)
		}
	})
	return err
}

func (p *permissions) askLeader(ctx context.Context, request renewal.Request) (answer renewal.Permission, err error) {
	n := p.node
	leader := n.directory.name(n.leading.view().leader)
	if leader == "" || leader == n.cfg.Name {
		return answer, errors.New("no other node leads just now")
	}
	body, err := json.Marshal(request)
	if err != nil {
		return answer, err
	}
	ctx, cancel := context.WithTimeout(ctx, operateLimit)
	defer cancel()
	err = n.ask(ctx, http.MethodPost, leader, "/permission", bytes.NewReader(body), &answer)
	return answer, err
}

// tell answers a leader.
func (p *permissions) tell(reign paxos.Ballot) (told renewal.Holding) {
	s := p.node.driver.Status()
	p.note(func(own *renewal.Node) { told = own.Tell(reign, s.DurableTo) })
	told.Floor, told.Doubtful = p.node.journal.Floor().Index, p.node.server.doubtful() != ""
	told.Holds = told.Holds && reliable(s, bootClock())
	return told
}

// reliable reports whether others may drop data because this node's server has them: that runs, nothing is wrong with its data as far as is known, and
// they are not to go because the folder is an older copy.
func reliable(s replicator.Status, now paxos.Instant) bool {
	return s.Server != 0 && unappliable(s.Failing, now) == "" && !s.Excluded()
}

func (p *permissions) serveTell(w http.ResponseWriter, r *http.Request) {
	reign, err := strconv.ParseUint(r.URL.Query().Get("reign"), 10, 64)
	if err != nil {
		http.Error(w, "not the ballot of a leadership", http.StatusBadRequest)
		return
	}
	reply(w, p.tell(paxos.Ballot(reign)), nil)
}

// serve answers a node that asks this one as the leader. Its name is that of the connection.
func (p *permissions) serve(w http.ResponseWriter, r *http.Request) {
	from, ok := transport.From(r.Context())
	var request renewal.Request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&request); !ok || err != nil {
		http.Error(w, "not a request for permission", http.StatusBadRequest)
		return
	}
	reply(w, p.decide(r.Context(), from.Name, request), nil)
}

// decide gives permission to one node, or says why not.
func (p *permissions) decide(ctx context.Context, asker string, request renewal.Request) renewal.Permission {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	before := p.node.driver.Status()
	if !leads(before) {
		return renewal.Permission{Refused: p.node.cfg.Name + " does not lead with an open gate"}
	}
	answers := p.gather(ctx, before.Members, asker, before.Epoch)
	if after := p.node.driver.Status(); !leads(after) || after.Epoch != before.Epoch {
		return renewal.Permission{Refused: p.node.cfg.Name + " does not lead any more"}
	}
	given := p.giver.Give(before.Epoch, before.Members, asker, request, answers)
	p.node.log.Info("a peer wants the data of its server fetched anew", "peer", asker, "drops_the_old_first", request.Drop, "refused", given.Refused)
	return given
}

func leads(s replicator.Status) bool { return s.Phase == replicator.Open && !s.Suspended }

// gather asks every voter of a membership but the asker, if there is one.
func (p *permissions) gather(ctx context.Context, members paxos.Membership, asker string, reign paxos.Ballot) renewal.Answers {
	var mu sync.Mutex // guards answers
	answers := make(renewal.Answers)
	var asked sync.WaitGroup
	for _, m := range members.Members {
		if !m.Voter || m.Name == asker {
			continue
		}
		asked.Go(func() { // ends with heirStatusLimit
			told := p.askOne(ctx, m.Name, reign)
			mu.Lock()
			defer mu.Unlock()
			answers[m.Name] = told
		})
	}
	asked.Wait()
	return answers
}

// askOne asks a voter; nil is no answer.
func (p *permissions) askOne(ctx context.Context, name string, reign paxos.Ballot) *renewal.Holding {
	if name == p.node.cfg.Name {
		told := p.tell(reign)
		return &told
	}
	ctx, cancel := context.WithTimeout(ctx, heirStatusLimit)
	defer cancel()
	var told renewal.Holding
	if err := p.node.ask(ctx, http.MethodGet, name, fmt.Sprintf("/holding?reign=%d", uint64(reign)), nil, &told); err != nil {
		return nil
	}
	return &told
}
