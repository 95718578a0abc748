package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// Transfer implements admin.Operator.
func (n *node) Transfer(ctx context.Context, to string) (admin.HandOver, error) {
	done, err := n.operate(ctx, order{Do: doTransfer, Name: to})
	return done.HandOver, err
}

const (
	heirStatusLimit = 2 * time.Second       // for a candidate to say how its server is
	heirLimit       = 15 * time.Second      // for the heir, or another, to lead with an open gate
	heirEvery       = 10 * time.Millisecond // between two questions whether it does
)

// handOver has this node, which leads, give its leadership to a member, or without a name to the one that is most caught up. It returns when
// somebody leads with an open gate.
func (n *node) handOver(ctx context.Context, to string) (outcome, error) {
	heir, refused := n.findHeir(ctx, to)
	if refused != "" {
		return outcome{Refused: refused}, nil
	}
	n.log.Info("leadership is handed over", "to", heir.Name)
	began, epoch := time.Now(), ballotText(n.driver.Status().Epoch)
	reply, err := n.consult(ctx, func(ticket uint64) replicator.Event { return replicator.Transfer{To: heir.Node, Ticket: ticket} })
	if err != nil {
		return outcome{}, err
	}
	if reply.Refusal != "" {
		return outcome{Refused: fmt.Sprintf("%s cannot take over: %s", heir.Name, reply.Refusal)}, nil
	}
	leader, err := n.awaitOpenGate(ctx, heir.Name, epoch)
	switch {
	case err != nil:
		return outcome{}, fmt.Errorf("%s was to take over: %w", heir.Name, err)
	case leader != heir.Name:
		return outcome{Refused: fmt.Sprintf("%s did not take over; %s leads", heir.Name, leader)}, nil
	}
	return outcome{HandOver: admin.HandOver{From: n.cfg.Name, To: leader, MS: time.Since(began).Milliseconds()}}, nil
}

// findHeir returns the member that is to lead next, or why there is none. The replicator knows who has the log; only the nodes
// themselves know whether their servers keep up.
func (n *node) findHeir(ctx context.Context, to string) (heir paxos.Member, refused string) {
	members := n.driver.Status().Members
	if to == "" {
		return n.bestHeir(ctx, members)
	}
	heir, known := named(members, to)
	switch {
	case !known:
		return heir, fmt.Sprintf("there is no member %s; the members are %s", to, strings.Join(memberNames(members), ", "))
	case to == n.cfg.Name:
		return heir, to + " leads already"
	case !heir.Voter:
		return heir, to + " has no vote yet, so it cannot lead"
	}
	return heir, n.askHeir(ctx, to).refusal()
}

// bestHeir asks all other voters, and returns the one whose server lacks least.
func (n *node) bestHeir(ctx context.Context, members paxos.Membership) (paxos.Member, string) {
	answers := make([]heirAnswer, len(members.Members))
	var asked sync.WaitGroup
	for k, m := range members.Members {
		if m.Voter && m.Name != n.cfg.Name {
			asked.Go(func() { answers[k] = n.askHeir(ctx, m.Name) }) // ends with heirStatusLimit
		}
	}
	asked.Wait()
	best, why := -1, []string{}
	for k, a := range answers {
		switch {
		case a.name == "":
		case a.refusal() != "":
			why = append(why, a.refusal())
		case best < 0 || a.status.Lag < answers[best].status.Lag:
			best = k
		}
	}
	if best < 0 {
		return paxos.Member{}, strings.Join(append([]string{"nobody can take over"}, why...), "; ")
	}
	return members.Members[best], ""
}

// heirAnswer is what a candidate says of itself.
type heirAnswer struct {
	name   string
	status admin.Status
	err    error
}

func (n *node) askHeir(ctx context.Context, name string) heirAnswer {
	ctx, cancel := context.WithTimeout(ctx, heirStatusLimit)
	defer cancel()
	status, err := members{n}.Status(ctx, name)
	return heirAnswer{name: name, status: status, err: err}
}

// refusal says why a candidate cannot lead; empty when it can.
func (a heirAnswer) refusal() string {
	switch {
	case a.err != nil:
		return a.name + " does not answer"
	case a.status.Role != admin.Follower || a.status.Server != admin.ServerRunning:
		return fmt.Sprintf("%s is %s, its server is %s and lacks %d entries", a.name, a.status.Role, a.status.Server, a.status.Lag)
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
