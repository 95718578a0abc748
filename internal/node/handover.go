package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// Transfer implements admin.Operator.
func (n *node) Transfer(ctx context.Context, to string) (admin.HandOver, error) {
	done, err := n.operate(ctx, order{Do: doTransfer, Name: to})
	return done.HandOver, err
}

const (
	heirStatusLimit = 2 * time.Second        // for a candidate to say how its server is
	heirPatience    = 5 * time.Second        // for a candidate to become able to take over
	heirLook        = 50 * time.Millisecond  // between two looks at the candidates
	heirBehind      = 500 * time.Millisecond // what the leader's log had so long ago, the heir's server has applied
	heirLimit       = 15 * time.Second       // for the heir, or another, to lead with an open gate
	heirEvery       = 10 * time.Millisecond  // between two questions whether it does
)

// handOver has this node, which leads, give its leadership to a member, or without a name to the one that is most caught up. It waits for
// a moment for one that is behind, and leads on if that is not enough. It returns when somebody leads with an open gate.
func (n *node) handOver(ctx context.Context, to string) (outcome, error) {
	names, refused := n.candidates(to)
	if refused != "" {
		return outcome{Refused: refused}, nil
	}
	epoch := ballotText(n.driver.Status().Epoch)
	heir, why, err := n.giveLead(ctx, names)
	began := time.Now()
	switch {
	case err != nil:
		return outcome{}, err
	case why != "" && to == "":
		return outcome{Refused: "nobody can take over: " + why}, nil
	case why != "":
		return outcome{Refused: why}, nil
	}
	leader, err := n.awaitOpenGate(ctx, heir, epoch)
	switch {
	case err != nil:
		return outcome{}, fmt.Errorf("%s was to take over: %w", heir, err)
	case leader != heir:
		return outcome{Refused: fmt.Sprintf("%s did not take over; %s leads", heir, leader)}, nil
	}
	return outcome{HandOver: admin.HandOver{From: n.cfg.Name, To: leader, MS: time.Since(began).Milliseconds()}}, nil
}

// candidates returns who may be asked to lead next: the one that is named, or all others that have a vote.
func (n *node) candidates(to string) (names []string, refused string) {
	members := n.driver.Status().Members
	if to != "" {
		heir, known := named(members, to)
		switch {
		case !known:
			return nil, fmt.Sprintf("there is no member %s; the members are %s", to, strings.Join(memberNames(members), ", "))
		case to == n.cfg.Name:
			return nil, to + " leads already"
		case !heir.Voter:
			return nil, to + " has no vote yet, so it cannot lead"
		}
		return []string{to}, ""
	}
	for _, m := range members.Members {
		if m.Voter && m.Name != n.cfg.Name {
			names = append(names, m.Name)
		}
	}
	if len(names) == 0 {
		return nil, "nobody can take over"
	}
	return names, ""
}

// giveLead makes the replicator hand over to the best of the candidates as soon as one of them can take over. The replicator knows who has the log; only
// the nodes themselves know what their servers have applied. It returns who is next, or why nobody is.
func (n *node) giveLead(ctx context.Context, names []string) (heir, why string, err error) {
	patience, cancel := context.WithTimeout(ctx, heirPatience)
	defer cancel()
	for seen := (trail{}); ; pause(patience, heirLook) {
		seen.note(n.driver.Status().Chosen, time.Now())
		best, reasons := bestHeir(n.askHeirs(patience, names), seen)
		if best != nil {
			n.log.Info("leadership is handed over", "to", best.name)
			reply, err := n.consult(ctx, func(ticket uint64) replicator.Event {
				return replicator.Transfer{To: best.node, Applied: best.applied, Ticket: ticket}
			})
			switch {
			case err != nil:
				return "", "", err
			case reply.Done:
				return best.name, "", nil
			case reply.Refusal != "":
				return "", fmt.Sprintf("%s cannot take over: %s", best.name, reply.Refusal), nil
			}
			reasons = best.name + " has a large transaction or a change of definitions still to apply; try again when it has"
		}
		if reasons != "" && patience.Err() == nil || why == "" {
			why = reasons
		}
		if patience.Err() != nil {
			return "", why, ctx.Err()
		}
	}
}

// nextLeader is who should lead after this node, which stops; 0 if nobody says that it could.
func (n *node) nextLeader(ctx context.Context) paxos.NodeID {
	ctx, cancel := context.WithTimeout(ctx, heirBehind)
	defer cancel()
	names, refused := n.candidates("")
	if status := n.driver.Status(); refused != "" || status.Phase != replicator.Open {
		return 0
	}
	if best, _ := bestHeir(n.askHeirs(ctx, names), trail{}); best != nil {
		return best.node
	}
	return 0
}

// trail tells what the leader's log had, at the times of the last looks.
type trail []look

type look struct {
	at     time.Time
	chosen changeset.Position
}

func (t *trail) note(chosen changeset.Position, now time.Time) {
	*t = slices.DeleteFunc(append(*t, look{now, chosen}), func(l look) bool { return now.Sub(l.at) > heirBehind })
}

// near reports whether a position is one that the leader had a moment ago.
func (t trail) near(applied changeset.Position) bool { return len(t) == 0 || applied >= t[0].chosen }

// heirAnswer is what a candidate says of itself.
type heirAnswer struct {
	name    string
	node    paxos.NodeID
	status  admin.Status
	applied changeset.Position
	err     error
}

// askHeirs asks all candidates at once.
func (n *node) askHeirs(ctx context.Context, names []string) []heirAnswer {
	ctx, cancel := context.WithTimeout(ctx, heirStatusLimit)
	defer cancel()
	answers := make([]heirAnswer, len(names))
	var asked sync.WaitGroup
	for k, name := range names {
		asked.Go(func() { // ends with ctx
			a := &answers[k]
			a.name = name
			if a.status, a.err = (members{n}).Status(ctx, name); a.err == nil {
				a.applied, a.err = changeset.ParsePosition(a.status.Applied)
			}
			if m, known := named(n.driver.Status().Members, name); known {
				a.node = m.Node
			}
		})
	}
	asked.Wait()
	return answers
}

// bestHeir returns the candidate that can take over, one on which all tables can be written if there is, and of those the one that lacks least; nil if
// none can, and why.
func bestHeir(answers []heirAnswer, seen trail) (best *heirAnswer, reasons string) {
	var why []string
	for k := range answers {
		a := &answers[k]
		if refusal := a.refusal(seen); refusal != "" {
			why = append(why, refusal)
		} else if best == nil || a.status.Unguarded < best.status.Unguarded ||
			a.status.Unguarded == best.status.Unguarded && a.applied > best.applied {
			best = a
		}
	}
	return best, strings.Join(why, "; ")
}

// refusal says why a candidate cannot lead; empty when it can.
func (a *heirAnswer) refusal(seen trail) string {
	switch {
	case a.err != nil || a.node == 0:
		return a.name + " does not answer"
	case a.status.Unfit != "":
		return fmt.Sprintf("%s cannot take over: %s", a.name, a.status.Unfit)
	case a.status.Role != admin.Follower || a.status.Server != admin.ServerRunning || !seen.near(a.applied):
		return fmt.Sprintf("%s is %s, its server is %s and lacks %d entries; try again when it has caught up",
			a.name, a.status.Role, a.status.Server, a.status.Lag)
	}
	return ""
}

// awaitOpenGate waits until a node leads with an open gate in another epoch than the last, and returns its name. The heir is asked first: it
// may lead before this node hears of it.
func (n *node) awaitOpenGate(ctx context.Context, heir, last string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, heirLimit)
	defer cancel()
	for {
		names := []string{heir}
		if leader := n.directory.name(n.driver.Status().Leader); leader != "" && leader != heir {
			names = append(names, leader)
		}
		for _, name := range names {
			if status, err := (members{n}).Status(ctx, name); err == nil && status.Primary() && status.Epoch != last {
				return name, nil
			}
		}
		pause(ctx, heirEvery)
		if ctx.Err() != nil {
			return "", errors.New("no node leads with an open gate yet; barista status tells more")
		}
	}
}

func memberNames(m paxos.Membership) (names []string) {
	for _, member := range m.Members {
		names = append(names, member.Name)
	}
	return names
}
