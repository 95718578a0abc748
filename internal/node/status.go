package node

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// Status implements admin.Node: what this node says of itself.
func (n *node) Status() admin.Status {
	s := n.driver.Status()
	applied, running := n.server.applied()
	if !running {
		applied = s.Applied
	}
	reason, detail := n.reason(s)
	trouble, aside := n.server.troubles.Tell(time.Now()), n.server.aside.Load()
	standing := ""
	if me, ok := s.Members.Find(n.identity.Node); ok {
		standing = adminMember(me).Standing()
	}
	return admin.Status{
		Name: n.cfg.Name, Role: n.role(s, applied), Member: standing, Reason: reason, Leader: n.directory.name(s.Leader),
		Detail:    admin.Sentence(append([]string{detail, n.server.progressOfCopy(), trouble.Detail, noPart(s), n.server.doubtful()}, aside.told...)...),
		Unguarded: aside.unguarded,
		Trouble:   trouble.Reason, NeedsHelp: trouble.Lasting, Unfit: s.Unfit,
		Ballot: ballotText(s.Ballot), Epoch: ballotText(s.Epoch),
		Index: uint64(s.Index), Chosen: s.Chosen.String(), Applied: applied.String(), Lag: lag(s, applied),
		Server: n.server.State(), LeaseMS: max(0, int64(s.LeaseEnd-bootClock())/1e6), Sessions: n.front.Sessions(),
		MaxTransaction: int64(n.cfg.MaxTransaction), Members: memberList(s.Members),
	}
}

// noPart says that the journal is full; empty when it is not.
func noPart(s replicator.Status) string {
	if s.Full == "" {
		return ""
	}
	return "it takes no part in agreement until its journal has room: " + s.Full
}

func ballotText(b paxos.Ballot) string {
	if b == 0 {
		return ""
	}
	return b.String()
}

func (n *node) role(s replicator.Status, applied changeset.Position) admin.Role {
	me, member := s.Members.Find(n.identity.Node)
	switch {
	case s.Removed || s.Diverged != "" || s.Excluded():
		return admin.Stopped
	case s.Phase == replicator.Open && !s.Suspended:
		return admin.Leader
	case !member || !me.Voter && !me.Spare || !n.server.runs() || lag(s, applied) > catchingUpLag:
		return admin.CatchingUp
	default:
		return admin.Follower
	}
}

// catchingUpLag is how many entries a follower may be behind and still count as caught up.
const catchingUpLag = 1000

// lag is how many entries the server is behind the last one that it has to apply.
func lag(s replicator.Status, applied changeset.Position) uint64 {
	return s.Chosen.Index() - min(applied.Index(), s.Chosen.Index())
}

// reason says why this node is no ordinary leader or follower, in short and, for the operator, with what else is known.
func (n *node) reason(s replicator.Status) (admin.Reason, string) {
	why := admin.Reason("")
	switch {
	case s.Diverged != "":
		return admin.Diverged, string(admin.Diverged) + ": " + s.Diverged
	case s.Removed:
		why = admin.Removed
	case s.Retired != "":
		return admin.Rival, string(admin.Rival) + ": " + s.Retired
	case s.Odd != "":
		return admin.Different, string(admin.Different) + ": " + n.different(s)
	case s.Disowned != nil:
		return admin.Outdated, string(admin.Outdated) + ": " + n.outdated(s.Disowned)
	case s.Returning:
		why = admin.Returning
	case s.Phase == replicator.Open && s.Suspended:
		why = admin.Suspended
	case s.Phase == replicator.Opening:
		why = admin.Opening
	case s.Phase == replicator.Closing:
		why = admin.Closing
	}
	return why, admin.Sentence(string(why), n.different(s))
}

func adminMember(m paxos.Member) admin.Member {
	return admin.Member{Name: m.Name, Node: uint16(m.Node), Voter: m.Voter, Spare: m.Spare, Address: m.Address}
}

func memberList(m paxos.Membership) []admin.Member {
	list := make([]admin.Member, len(m.Members))
	for k, member := range m.Members {
		list[k] = adminMember(member)
	}
	return list
}

// members implements admin.Peers.
type members struct{ node *node }

// Names returns every member, and every other node that is expected, in order: it was ordered to join, or is in the configuration and was not
// removed.
func (m members) Names() []string {
	membership := m.node.driver.Status().Members
	names := memberNames(membership)
	for _, ordered := range membership.Names {
		if ordered.Expected {
			names = append(names, ordered.Name)
		}
	}
	for name := range m.node.cfg.Peers {
		if ordered, known := membership.Ordered(name); !known || ordered.Expected {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Status asks a member how it is.
func (m members) Status(ctx context.Context, name string) (status admin.Status, err error) {
	if name == m.node.cfg.Name {
		return m.node.Status(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, controlLimit)
	defer cancel()
	err = m.node.ask(ctx, http.MethodGet, name, "/status", nil, &status)
	return status, err
}
