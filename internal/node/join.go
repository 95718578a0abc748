package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
)

const (
	joinEvery = 200 * time.Millisecond
	joinLimit = 5 * time.Second // for one request
)

// joinRequest is what a node without a journal asks of its peers; the name and incarnation are those of the connection.
type joinRequest struct {
	Address string
	Spare   bool // it wants to be a spare
}

// joinReply admits it: under which number, and from which state of the log on it has to learn.
type joinReply struct {
	Cluster [16]byte
	Node    paxos.NodeID
	Floor   paxos.Floor
	Members paxos.Membership
}

// joinDesk takes the requests of joiners to the replicator and its answers back.
type joinDesk struct {
	node    *node
	tickets *tickets[replicator.Joined]
}

func newJoinDesk(n *node) *joinDesk {
	return &joinDesk{node: n, tickets: newTickets[replicator.Joined]()}
}

// serve answers a joiner. Only the leader can; everyone else says so, and the joiner asks the next.
func (d *joinDesk) serve(w http.ResponseWriter, r *http.Request) {
	from, ok := transport.From(r.Context())
	var request joinRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&request); !ok || err != nil {
		http.Error(w, "not a join request", http.StatusBadRequest)
		return
	}
	if !d.node.leading.view().open {
		http.Error(w, "this node does not lead", http.StatusServiceUnavailable)
		return
	}
	if !d.isKnown(from.Name) {
		http.Error(w, fmt.Sprintf("%s is not among the peers of %s, and nobody has ordered it: run barista members add %[1]s on a member's machine",
			from.Name, d.node.cfg.Name), http.StatusForbidden)
		return
	}
	ticket, wait := d.tickets.draw()
	defer d.tickets.tear(ticket)
	d.node.driver.Post(r.Context(), replicator.Join{
		Name: from.Name, Incarnation: from.Incarnation, Address: request.Address, Spare: request.Spare, Reply: ticket,
	})
	select {
	case <-r.Context().Done():
	case joined := <-wait:
		if joined.Refusal != "" {
			http.Error(w, fmt.Sprintf("%s: run barista members add %s on a member's machine", joined.Refusal, from.Name), http.StatusForbidden)
			return
		}
		if joined.Node == 0 {
			http.Error(w, "the admission is under way", http.StatusServiceUnavailable)
			return
		}
		reply(w, joinReply{Cluster: d.node.identity.Cluster, Node: joined.Node, Floor: d.node.journal.Floor(), Members: joined.Members}, nil)
	}
}

// isKnown reports whether a node of a name may ask to join: it is in the configuration of this node, or something was ordered about it, or
// a node of that name is a member, which it may replace. The replicator has the last word.
func (d *joinDesk) isKnown(name string) bool {
	m := d.node.driver.Status().Members
	_, configured := d.node.cfg.Peers[name]
	_, ordered := m.Ordered(name)
	_, member := named(m, name)
	return configured || ordered || member
}

// join asks all peers, again and again, until the leader among them has admitted this node under a new incarnation. It does so on a
// port of its own: the peer port opens when this node has something to say there, or is that of the incarnation before. It gives up when no peer holds the secret.
// A node that knows its cluster joins no other one: that would admit it without a majority of its own cluster that serves without its folder.
func (n *node) join(ctx context.Context, incarnation uint64) (joinReply, error) {
	body, err := json.Marshal(joinRequest{Address: n.cfg.Peers[n.cfg.Name], Spare: n.cfg.Spare})
	if err != nil {
		return joinReply{}, err
	}
	host, _, err := net.SplitHostPort(n.cfg.Peer)
	if err != nil {
		return joinReply{}, config.Mistakef("peer address %q: %w", n.cfg.Peer, err)
	}
	over, err := n.newTransport(ctx, net.JoinHostPort(host, "0"), n.identity.Cluster, incarnation)
	if err != nil {
		return joinReply{}, err
	}
	defer over.Close()
	if n.driver != nil {
		over.SetVoters(len(n.driver.Status().Members.Voters())) // for those of another cluster
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan joinReply, len(n.cfg.Peers))
	failed := make(chan error, len(n.cfg.Peers)) // one of each peer
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	for name := range n.cfg.Peers {
		if name == n.cfg.Name {
			continue
		}
		asking.Go(func() { // ends with ctx; join waits for it
			if answer, err := n.joinThrough(ctx, over, name, body, failed); err == nil {
				answers <- answer
			}
		})
	}
	var last error
	for asked := len(n.cfg.Peers) - 1; asked > 0; asked-- {
		select {
		case answer := <-answers:
			return answer, nil
		case <-ctx.Done():
			return joinReply{}, ctx.Err()
		case last = <-failed: // of one peer this says little: anybody may have taken the port of a node that is down
		}
	}
	return joinReply{}, last
}

// joinThrough asks one peer until it admits this node or ctx ends. It tells strange, once, of a peer that does not hold the secret.
func (n *node) joinThrough(ctx context.Context, over *transport.Transport, peer string, body []byte, strange chan<- error) (joinReply, error) {
	said, told := "", false
	for {
		answer, err := askToJoin(ctx, over, peer, body)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return joinReply{}, ctx.Err()
		}
		if errors.Is(err, transport.ErrSecret) && !told {
			strange <- config.Mistakef("join through %s: %w", peer, err) // has room for one of each peer
			told = true
		}
		if text := strings.TrimSpace(err.Error()); text != said {
			n.log.Info("not admitted yet", "peer", peer, "reason", text)
			said = text
		}
		pause(ctx, joinEvery)
	}
}

func askToJoin(ctx context.Context, over *transport.Transport, peer string, body []byte) (joinReply, error) {
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	var answer joinReply
	err := askOver(ctx, over, http.MethodPost, peer, "/join", bytes.NewReader(body), &answer)
	return answer, err
}

func newIncarnation() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
