package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// order is what an operator wants of the leader. Any node takes it, and passes it on.
type order struct {
	Do   string // one of the following
	Name string // of the node that it is about
}

const (
	doTransfer = "transfer" // without a name: to the most caught-up
	doAdd      = "add"
	doAddSpare = "add a spare"
	doRemove   = "remove"
)

// outcome is the leader's answer to an order.
type outcome struct {
	Refused  string         // why it will not be; else
	Pending  bool           // not yet: ask again; else it is done
	HandOver admin.HandOver // of a transfer
}

// operateLimit bounds one order on its way to the leader and back.
const operateLimit = 30 * time.Second

// operate has the leader carry out an order: this node, or the one that leads. What is refused is an admin.Refusal.
func (n *node) operate(ctx context.Context, o order) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, operateLimit)
	defer cancel()
	done, err := n.sendToLeader(ctx, o)
	if err == nil && done.Refused != "" {
		err = admin.Refusal(done.Refused)
	}
	return done, err
}

func (n *node) sendToLeader(ctx context.Context, o order) (done outcome, err error) {
	v := n.leading.view()
	if v.open {
		return n.carryOut(ctx, o)
	}
	name := n.directory.name(v.leader)
	if name == "" || name == n.cfg.Name {
		return outcome{}, errors.New("no node leads just now; try again")
	}
	body, err := json.Marshal(o)
	if err != nil {
		return outcome{}, err
	}
	err = n.ask(ctx, http.MethodPost, name, "/operate", bytes.NewReader(body), &done)
	return done, err
}

// serveOperate carries out an order that a peer passes on.
func (n *node) serveOperate(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&o); err != nil {
		http.Error(w, "not an order", http.StatusBadRequest)
		return
	}
	if !n.leading.view().open {
		http.Error(w, n.cfg.Name+" does not lead any more; try again", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), operateLimit)
	defer cancel()
	done, err := n.carryOut(ctx, o)
	reply(w, done, err)
}

// carryOut obeys an order on the leader.
func (n *node) carryOut(ctx context.Context, o order) (outcome, error) {
	switch o.Do {
	case doTransfer:
		return n.handOver(ctx, o.Name)
	case doAdd, doAddSpare:
		return n.add(ctx, o)
	case doRemove:
		return n.remove(ctx, o)
	}
	return outcome{}, fmt.Errorf("an order to %q is of another version of Barista", o.Do)
}

// consult brings the replicator an event that has the ticket, and waits for its answer.
func (n *node) consult(ctx context.Context, event func(ticket uint64) replicator.Event) (replicator.Reply, error) {
	ticket, wait := n.server.replies.draw()
	defer n.server.replies.tear(ticket)
	n.driver.Post(ctx, event(ticket))
	select {
	case <-ctx.Done():
		return replicator.Reply{}, ctx.Err()
	case reply := <-wait:
		return reply, nil
	}
}

// named returns the member of a name.
func named(m paxos.Membership, name string) (paxos.Member, bool) {
	for _, member := range m.Members {
		if member.Name == name {
			return member, true
		}
	}
	return paxos.Member{}, false
}
