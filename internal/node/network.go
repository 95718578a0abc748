package node

import (
	"context"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
)

// network sends the core's messages over the transport.
type network struct {
	cluster   [16]byte
	transport *transport.Transport
	directory *directory
}

// Send implements replicator.Network.
func (n *network) Send(to paxos.NodeID, messages []paxos.Outgoing) {
	name := n.directory.name(to)
	if name == "" {
		return
	}
	for _, m := range messages {
		n.transport.Send(name, paxos.MessageType(m.Message), paxos.AppendMessage(nil, n.cluster, m.Stamp, m.Message))
	}
}

// receive is the transport's handler: a frame of a member becomes an event.
func (n *node) receive(ctx context.Context, from transport.Identity, typ uint8, body []byte) {
	id := n.directory.node(from)
	if id == 0 && len(n.driver.Status().Members.Voters()) != 1 {
		return
	}
	s, m, err := paxos.DecodeMessage(n.identity.Cluster, typ, body)
	if err != nil {
		n.log.Error("a message of a peer cannot be read; is it of another version?", "peer", from.Name, "error", err)
		return
	}
	if id == 0 {
		n.driver.Post(ctx, replicator.Stranger{Version: paxos.VersionOf(m)})
		return
	}
	n.driver.Post(ctx, replicator.Received{From: id, Stamp: s, Message: m, Bytes: len(body)})
}
