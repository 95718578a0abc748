// Package renewal decides which nodes may have the data of their servers fetched anew from a peer, so that never more than a minority does so at
// once. It is values in, values out: the questions travel as others see fit, and may be lost, late, or answered by nobody. It fetches nothing, and
// knows nothing of why.
//
// While the data that a node has are kept until the copy is complete and has recovered, nothing rests on a permission but the service. But a
// node without room for both has to drop the old ones first, and then what its journal has purged is nowhere on its disk. So that needs a majority
// of others that say that they hold everything, and none of these may do the same before the copy is complete, whoever leads:
//
//  1. The asker notes that it asks. The leader asks every other voter. Each notes the ballot of that leadership, and tells whether its own data
//     are being fetched anew, and what it holds.
//  2. The leader gives permission if enough hold everything and are not at it themselves, as far as they say or it remembers of this leadership.
//  3. The asker takes it unless it has noted a higher ballot since: another leader has asked it, and was told that it was not at it yet.
//
// Why a majority holds everything at any time: look at the permission to drop that has the highest ballot of all that were taken and are not over (of those
// with one ballot the last that was given), and at the majority that answered for it. None of them was at it. A permission of a lower ballot
// none of them can take after its answer (3). One of the same ballot that was given before was remembered (2). One that was given later, or
// has a higher ballot, would be the one that we look at. So all of that majority still hold what they held.
//
// A membership that changes meanwhile is Change's to judge.
//
// A leader that dies takes its memory along; the next one asks again, with a higher ballot. A node that does not answer counts as one that holds
// nothing. A node that dies with a permission has either not begun to use it, or finds no data when it starts, and says so.
package renewal

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/baristadb/barista/internal/paxos"
)

// Request asks the leader for permission.
type Request struct {
	Floor paxos.Index // of the asker's journal: what lies at or below it, only servers hold
	Drop  bool        // the old data go before the copy is complete
}

// Permission is the leader's answer.
type Permission struct {
	Reign   paxos.Ballot // the leadership in which it was given
	Refused string       // why it was not; empty when it was
}

// Holding is what a node tells a leader that asks.
type Holding struct {
	Asking  bool        // it has asked for permission, and has no answer yet
	Busy    bool        // its data are being fetched, or the copy has not been kept yet
	Holds   bool        // its server holds everything that its journal has purged
	Durable paxos.Index // up to where its journal has the log
	Floor   paxos.Index // of its journal

	Doubtful bool // what it holds may not be whole, and nobody had anything better; decides nothing here
}

// A Node is what one node knows of itself. The zero value is that of a node whose server has not run yet.
type Node struct {
	asking  int // requests that are on their way
	busy    bool
	settled bool
	noted   paxos.Ballot // the highest leadership that has asked
}

// Ask notes that a request is on its way to the leader. Answered or Unanswered must follow.
func (n *Node) Ask() { n.asking++ }

// Unanswered notes that no answer will come; one that does must not be handed to Answered.
func (n *Node) Unanswered() { n.asking-- }

// Answered takes a permission, or says why there is none. Data that may be fetched anew count as being fetched from here on.
func (n *Node) Answered(p Permission) error {
	n.asking--
	switch {
	case p.Refused != "":
		return errors.New(p.Refused)
	case p.Reign < n.noted:
		return errors.New("another node leads by now")
	}
	n.busy = true
	return nil
}

// Begin notes that the data are being fetched, with permission or because the old ones are kept.
func (n *Node) Begin() { n.busy = true }

// Keep notes that the data stay for now, because they may not be dropped, and no copy fits beside them. Others may be at it meanwhile: two nodes that
// each wait for the other to hold everything again would wait for ever.
func (n *Node) Keep() { n.busy = false }

// Dropped notes that there are no data any more.
func (n *Node) Dropped() { n.busy, n.settled = true, false }

// Settle notes that the server was found to hold all that the journal has purged.
func (n *Node) Settle() { n.busy, n.settled = false, true }

// Tell answers a leader.
func (n *Node) Tell(reign paxos.Ballot, durable paxos.Index) Holding {
	n.noted = max(n.noted, reign)
	return Holding{Asking: n.asking > 0, Busy: n.busy, Holds: n.settled && !n.busy, Durable: durable}
}

// A Leader gives permissions. It outlives leaderships: what it remembers of one is forgotten with the next.
type Leader struct {
	reign paxos.Ballot
	given map[string]bool // by name: permitted in this leadership, and not known to be over
}

// Answers are what the other voters have told about themselves when the leader of a ballot has asked all of them for this one decision, by
// name; nil: no answer.
type Answers map[string]*Holding

// Give decides about one request. The caller leads with the ballot before and after, and lets one decision be made at a time, from the first
// question to the last answer.
func (l *Leader) Give(reign paxos.Ballot, m paxos.Membership, asker string, r Request, answers Answers) Permission {
	l.hear(reign, answers)
	for name := range l.given {
		if !slices.ContainsFunc(m.Members, func(member paxos.Member) bool { return member.Name == name }) {
			delete(l.given, name)
		}
	}
	if refused := l.refuse(m, asker, r, answers); refused != "" {
		return Permission{Reign: reign, Refused: refused}
	}
	l.given[asker] = true
	return Permission{Reign: reign}
}

// hear forgets what is over of what was permitted.
func (l *Leader) hear(reign paxos.Ballot, answers Answers) {
	if l.reign != reign {
		l.reign, l.given = reign, make(map[string]bool)
	}
	for name, told := range answers {
		if told != nil && !told.Asking && !told.Busy {
			delete(l.given, name)
		}
	}
}

// refuse says why a node may not have its data fetched anew; empty when it may.
func (l *Leader) refuse(m paxos.Membership, asker string, r Request, answers Answers) string {
	var busy, without []string
	for _, member := range m.Members { // a learner with a permission keeps no voter from one
		if member.Voter && member.Name != asker && l.given[member.Name] {
			busy = append(busy, member.Name)
		}
	}
	holders := 0
	for name, told := range answers {
		switch {
		case l.given[name]:
		case told != nil && told.Busy:
			busy = append(busy, name)
		case told == nil || !told.Holds || told.Durable < r.Floor:
			without = append(without, name)
		default:
			holders++
		}
	}
	voters := len(m.Voters())
	most := max(1, voters-m.Quorum()) // of two nodes, too, one may: its old data are kept, or it is refused below
	if len(busy) >= most {
		return fmt.Sprintf("no more than %d of %d nodes may be at it at once, and already are: %s", most, voters, list(busy))
	}
	if r.Drop && holders < m.Quorum() {
		return fmt.Sprintf("a majority of others must hold everything, and of %d nodes %d say that they do; not %s",
			voters, holders, list(append(without, busy...)))
	}
	return ""
}

// list writes names in order.
func list(names []string) string {
	slices.Sort(names)
	return strings.Join(names, ", ")
}
