package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// changeEvery is the time between two questions whether a change of the membership is chosen.
const changeEvery = 100 * time.Millisecond

// AddMember implements admin.Operator.
func (n *node) AddMember(ctx context.Context, name string) error {
	return n.changeMembers(ctx, order{Do: doAdd, Name: name})
}

// AddSpare implements admin.Operator.
func (n *node) AddSpare(ctx context.Context, name string) error {
	return n.changeMembers(ctx, order{Do: doAddSpare, Name: name})
}

// RemoveMember implements admin.Operator.
func (n *node) RemoveMember(ctx context.Context, name string) error {
	return n.changeMembers(ctx, order{Do: doRemove, Name: name})
}

// changeMembers gives the order again and again, to whoever leads, until the membership is as ordered, or the order is refused. It is safe to
// give it twice: the leader compares it with the membership.
func (n *node) changeMembers(ctx context.Context, o order) error {
	if !config.ValidName(o.Name) {
		return admin.Refusal(fmt.Sprintf("%q is no node's name: a name has 1 to 63 letters, digits, '_', '.' or '-'", o.Name))
	}
	ctx, cancel := context.WithTimeout(ctx, operateLimit)
	defer cancel()
	for {
		done, err := n.operate(ctx, o)
		_, refused := errors.AsType[admin.Refusal](err)
		if refused || err == nil && !done.Pending {
			return err
		}
		pause(ctx, changeEvery)
		switch {
		case o.Do == doRemove && o.Name == n.cfg.Name && n.isRemoved():
			return nil // this node itself, which stops, and which nobody answers any more
		case ctx.Err() != nil && err != nil:
			return err
		case ctx.Err() != nil:
			return errors.New("the change is not chosen yet, and may still be; barista members list tells")
		}
	}
}

// add and remove carry out an order on the leader, one step of it at a time.

func (n *node) add(ctx context.Context, o order) (outcome, error) {
	return n.change(ctx, func(ticket uint64) replicator.Event {
		return replicator.Expect{Name: o.Name, Spare: o.Do == doAddSpare, Ticket: ticket}
	})
}

// remove hands leadership over first if the leader itself is to go. The next leader then removes it.
func (n *node) remove(ctx context.Context, o order) (outcome, error) {
	if o.Name != n.cfg.Name {
		return n.change(ctx, func(ticket uint64) replicator.Event { return replicator.Dismiss{Name: o.Name, Ticket: ticket} })
	}
	if len(n.driver.Status().Members.Voters()) == 1 {
		return outcome{Refused: o.Name + " is the last voting member"}, nil
	}
	done, err := n.handOver(ctx, "")
	if done.Refused != "" {
		return outcome{Refused: fmt.Sprintf("%s leads, and cannot hand over: %s", o.Name, done.Refused)}, err
	}
	return outcome{Pending: true}, err
}

func (n *node) change(ctx context.Context, event func(ticket uint64) replicator.Event) (outcome, error) {
	reply, err := n.consult(ctx, event)
	return outcome{Refused: reply.Refusal, Pending: !reply.Done && reply.Refusal == ""}, err
}

// Members implements admin.Operator: the membership as this node knows it, and the nodes that are expected.
func (n *node) Members() admin.Membership {
	m := n.driver.Status().Members
	list := admin.Membership{Version: m.Version, Members: memberList(m)}
	for _, ordered := range m.Names {
		if _, present := named(m, ordered.Name); ordered.Expected && !present {
			list.Expected = append(list.Expected, admin.Expected{Name: ordered.Name, Spare: ordered.Spare})
		} else if !ordered.Expected {
			list.Removed = append(list.Removed, ordered.Name)
		}
	}
	return list
}

// serveMembers tells a peer the membership that this node has on its disk: one that was removed while it did not run hears of it nowhere else,
// because nobody listens to what it says about agreement.
func (n *node) serveMembers(w http.ResponseWriter, _ *http.Request) {
	reply(w, n.driver.Status().Durable, nil)
}

const (
	doubtAfter = 3 * time.Second // without a leader a node asks whether it is still a member
	doubtEvery = 2 * time.Second
)

// part returns errRemoved when a majority of the members, of whom this node is none any more, know so for good; nil when ctx ends before. Until
// then this node may be the only one to know that its removal was chosen: the others would ask it, and without its answer they
// may never be a majority again.
func (n *node) part(ctx context.Context, m paxos.Membership) error {
	n.log.Info("this node was removed from the cluster; it stops when a majority of the members know that")
	for ctx.Err() == nil {
		n.meet(m)
		newest := m
		known := m.KnownTo(func(member paxos.Member) uint32 {
			var told paxos.Membership
			if n.askMembers(ctx, member.Name, &told) != nil {
				return 0
			}
			if told.Version > newest.Version {
				newest = told
			}
			return told.Version
		})
		if known {
			return n.errRemoved(m)
		}
		m = newest // of its voters some may be gone for good
		pause(ctx, changeEvery)
	}
	return nil
}

// errRemoved ends a node that is no member any more.
func (n *node) errRemoved(m paxos.Membership) error {
	if _, replaced := named(m, n.cfg.Name); replaced {
		return gone{error: fmt.Errorf("another incarnation of %s has taken the place of this one, whose journal is of no use any more; "+
			"if that was not meant, make sure that %[1]s runs on one machine only", n.cfg.Name)}
	}
	ordered, known := m.Ordered(n.cfg.Name)
	return gone{barred: known && !ordered.Expected, error: fmt.Errorf("%s was removed from the cluster, and its journal is of no use any more; to let it in again run barista members add %[1]s "+
		"on a member's machine, empty this node's folder (keep node.yaml and the secret), and start it", n.cfg.Name)}
}

// isRemoved reports whether this node knows that it is no member any more.
func (n *node) isRemoved() bool { return n.driver.Status().Removed }

// doubt asks the peers, as long as this node hears of no leader, who the members are, and parts from them when it is none. A number is
// given to one incarnation and never again: a membership whose next number is higher, and in which this one is missing, comes after
// its removal.
func (n *node) doubt(ctx context.Context) error {
	heard := time.Now()
	for {
		pause(ctx, doubtEvery)
		if ctx.Err() != nil {
			return nil
		}
		status := n.driver.Status()
		if votesAlone(status.Members, n.identity.Node) {
			n.askForOthers(ctx)
		}
		if status.Leader != 0 {
			heard = time.Now()
		}
		if time.Since(heard) < doubtAfter {
			continue
		}
		for _, name := range (members{n}).Names() {
			var m paxos.Membership
			if name == n.cfg.Name || n.askMembers(ctx, name, &m) != nil {
				continue
			}
			if _, member := m.Find(n.identity.Node); !member && n.identity.Node < m.Next {
				return n.part(ctx, m)
			} else if member {
				n.meet(m) // the leader may be one of whom this node's log does not tell yet
			}
		}
	}
}

// votesAlone reports whether a node needs nobody to lead.
func votesAlone(m paxos.Membership, id paxos.NodeID) bool {
	voters := m.Voters()
	return len(voters) == 1 && voters[0] == id
}

// askForOthers asks the peers whether they are members of whom this node, which votes alone, does not know: then its folder is a copy of a time
// when it was alone. They may not speak to it by themselves, because they have removed it or cannot reach it.
func (n *node) askForOthers(ctx context.Context) {
	for _, name := range (members{n}).Names() {
		var m paxos.Membership
		if name != n.cfg.Name && n.askMembers(ctx, name, &m) == nil {
			n.driver.Post(ctx, replicator.Stranger{Version: m.Version})
		}
	}
}

func (n *node) askMembers(ctx context.Context, name string, m *paxos.Membership) error {
	ctx, cancel := context.WithTimeout(ctx, doubtEvery)
	defer cancel()
	return n.ask(ctx, http.MethodGet, name, "/members", nil, m)
}
