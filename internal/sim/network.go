package sim

import (
	"fmt"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
)

// A network joins the machines. Between any two it may be cut, in one direction or both; it loses, doubles, delays and reorders messages.
type network struct {
	cut     [][]bool // from machine, to machine
	loss    int      // percent
	double  int      // percent
	delay   paxos.Span
	carried int
	lost    int
}

func newNetwork(p *plan) network {
	n := network{loss: p.lossPercent, double: p.doublePercent, delay: p.delay}
	machines := p.size + p.spares
	for range machines {
		n.cut = append(n.cut, make([]bool, machines))
	}
	return n
}

// heal joins what was cut.
func (n *network) heal() {
	for _, to := range n.cut {
		clear(to)
	}
}

// joined reports whether bytes get from a machine to another.
func (n *network) joined(from, to *machine) bool { return !n.cut[from.number][to.number] }

// latency draws how long a message is under way: mostly about the mean, now and then much longer, so that it is overtaken by many, and
// rarely so long that it comes out of another epoch.
func (w *world) latency() paxos.Span {
	d := span(w.rand, w.network.delay/4, w.network.delay*2)
	switch w.rand.IntN(500) {
	case 0:
		d += span(w.rand, 0, 8*second)
	case 1, 2, 3, 4, 5, 6, 7, 8, 9:
		d += span(w.rand, 0, 300*millisecond)
	}
	return d
}

// hop draws how long a stream takes, which is not overtaken by itself.
func (w *world) hop() paxos.Span { return span(w.rand, w.network.delay/4, w.network.delay*4) }

// send puts a message on its way, through its encoding. A node knows the address of members only.
func (w *world) send(p *process, to paxos.NodeID, stamp paxos.Stamp, message paxos.Message) {
	p.cluster.check.says(p, message)
	receiver, known := p.knows(to)
	if !known {
		return
	}
	target := w.machineNamed(receiver.Name)
	if !w.network.joined(p.machine, target) || w.rand.IntN(100) < w.network.loss {
		w.network.lost++
		return
	}
	body := paxos.AppendMessage(nil, p.cluster.id, stamp, message)
	copies := 1
	if w.rand.IntN(100) < w.network.double {
		copies++
	}
	for range copies {
		frame := frame{from: p.identity(), to: target, typ: paxos.MessageType(message), body: body}
		w.after(w.latency(), func() { w.deliver(frame) })
	}
}

// A frame is a message on the wire. The connection vouches for who its sender is.
type frame struct {
	from transport.Identity
	to   *machine
	typ  uint8
	body []byte
}

// deliver hands a frame to the process at its end, which takes it only from a member.
func (w *world) deliver(f frame) {
	p := f.to.process
	if p == nil || p.replicator == nil || !w.network.joined(w.machineNamed(f.from.Name), f.to) {
		w.network.lost++
		return
	}
	if f.from.Cluster != p.cluster.id && p.identity().Check(f.from, transport.PurposePaxos) != nil {
		w.network.lost++
		return
	}
	sender, known := p.knowsName(f.from.Name, f.from.Incarnation)
	if !known {
		return
	}
	stamp, message, err := paxos.DecodeMessage(p.cluster.id, f.typ, append([]byte(nil), f.body...))
	if err != nil {
		panic(fmt.Sprintf("sim: a message of %s cannot be read: %v", f.from.Name, err))
	}
	w.network.carried++
	w.trace.bytes(f.body)
	w.note(f.to.name, "message", uint64(sender.Node), uint64(f.typ))
	if w.trace.out != nil {
		w.say(f.to.name, "  from %s: %s", f.from.Name, describe(message))
	}
	p.post(replicator.Received{From: sender.Node, Stamp: stamp, Message: message})
}
