package replicator

import (
	"fmt"
	"maps"
	"strings"

	"github.com/baristadb/barista/internal/paxos"
)

// different are members whose logs hold another entry than this node's at one index. Agreement makes that impossible; but an acceptor that forgot
// votes, and that nobody missed, can let two values be chosen at one index. Every message says what its sender's log holds, so members find that out
// by themselves.
//
// Who holds something else than a majority stops: it leads, votes and applies no more, and waits for a person, for what it holds may be what was
// acknowledged. A majority that holds the same goes on. Where no majority is heard of, nobody can tell who is wrong, and all go on and say so: what is
// agreed on from there on is the same for all.
type different struct {
	at    map[paxos.NodeID]paxos.Index // up to where it is known
	odd   string                       // why this node stopped; empty: it did not
	asked paxos.Instant
}

// compare notes what a message says of its sender's log.
func (r *Replicator) compare(from paxos.NodeID, theirs paxos.Prefix) {
	ours := r.order.digestAt(theirs.To)
	if ours == 0 || theirs.Digest == 0 || r.different.odd != "" {
		return
	}
	d := &r.different
	if ours == theirs.Digest {
		if d.at[from] <= theirs.To {
			delete(d.at, from)
		}
		return
	}
	if d.at == nil {
		d.at = make(map[paxos.NodeID]paxos.Index)
	}
	d.at[from] = theirs.To
	r.judge()
}

// judge stops this node if it is the odd one out.
func (r *Replicator) judge() {
	members := r.paxos.Members()
	var voters []string
	for _, id := range r.differing() {
		if m, _ := members.Find(id); m.Voter {
			voters = append(voters, m.Name)
		}
	}
	if len(voters) < members.Quorum() {
		return
	}
	r.different.odd = fmt.Sprintf("up to index %d this node's log holds another entry than those of %s", r.order.Head(), strings.Join(voters, " and "))
	r.paxos.Retire(r.now)
}

// seekDifferent asks all members, since a follower hears of the leader only.
func (r *Replicator) seekDifferent() {
	d := &r.different
	if len(d.at) == 0 || d.odd != "" || r.now.Since(d.asked) < seekEvery {
		return
	}
	maps.DeleteFunc(d.at, func(id paxos.NodeID, _ paxos.Index) bool {
		_, member := r.paxos.Members().Find(id)
		return !member // its number is never given again
	})
	d.asked = r.now
	r.paxos.AskPrefixes(r.now)
}

// seekEvery is how often members are asked while one is known whose log differs.
const seekEvery = paxos.Span(1e9)

// differing are the members whose logs are known to differ from this node's.
func (r *Replicator) differing() (nodes []paxos.NodeID) {
	if len(r.different.at) == 0 {
		return nil
	}
	for _, m := range r.paxos.Members().Members {
		if _, differs := r.different.at[m.Node]; differs {
			nodes = append(nodes, m.Node)
		}
	}
	return nodes
}
