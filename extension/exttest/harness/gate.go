package harness

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/changeset"
)

// Types of the gate's frames, see docs/internals/gate.md.
const (
	kindHello     = 'H'
	kindChunk     = 'K'
	KindPropose   = 'P'
	KindSequences = 'S'
	kindDiscard   = 'X'

	kindChosen  = 'C'
	kindAgreed  = 'Q'
	kindRefused = 'N'
	kindUnknown = 'U'
)

// gateVersion is that of the frames.
const gateVersion = 2

// FakeGate plays barista's end of the gate: a log of one node. By default
// everything is chosen at once; a test may hold what comes and answer itself.
type FakeGate struct {
	listener net.Listener
	server   *Server
	wait     sync.WaitGroup // the accepting goroutine and one for each connection
	arrived  chan *Proposal // held ones, in order

	mu        sync.Mutex
	conns     map[net.Conn]bool
	held      bool
	stall     chan struct{} // if set, chunks are not read on until it is closed
	index     uint64        // of the last chosen
	last      changeset.Position
	log       []*Proposal // chosen, in order
	discarded int         // 'X' frames
	chunks    int         // 'K' frames
	faults    []error     // what a real barista would close the connection for
}

// Proposal is one 'P' or 'S' frame.
type Proposal struct {
	gate      *FakeGate
	conn      net.Conn
	Kind      byte
	request   uint64
	Epoch     uint64
	Sequences []changeset.SequenceState
	Set       changeset.ChangeSet // with the chunks before its payload

	Position    changeset.Position // once chosen
	Predecessor changeset.Position
}

func listenGate(path string, s *Server) (*FakeGate, error) {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	g := &FakeGate{
		listener: listener, server: s,
		arrived: make(chan *Proposal, 1024),
		conns:   map[net.Conn]bool{},
	}
	g.wait.Add(1)
	go g.accept() // ends when close closes the listener
	return g, nil
}

func (g *FakeGate) accept() {
	defer g.wait.Done()
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		g.conns[conn] = true
		g.mu.Unlock()
		g.wait.Add(1)
		go func() { // ends when the backend or close closes the connection
			defer g.wait.Done()
			defer conn.Close()
			if err := g.serve(conn); err != io.EOF {
				g.mu.Lock()
				g.faults = append(g.faults, err)
				g.mu.Unlock()
			}
		}()
	}
}

// close ends every connection and waits for the goroutines.
func (g *FakeGate) close() {
	g.listener.Close()
	g.Disconnect()
	g.wait.Wait()
}

// Disconnect drops all connections, as a barista does that dies.
func (g *FakeGate) Disconnect() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.conns {
		conn.Close()
		delete(g.conns, conn)
	}
}

// Restart forgets the log: the next proposal follows the applied position.
func (g *FakeGate) Restart() {
	g.Disconnect()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held, g.last, g.log = false, 0, nil
}

func (g *FakeGate) serve(conn net.Conn) error {
	r := bufio.NewReader(conn)
	kind, body, err := readFrame(r)
	if err != nil {
		return err
	}
	if kind != kindHello || len(body) != 13 || body[12] != gateVersion ||
		binary.BigEndian.Uint64(body) != g.server.Get(fieldStartID) {
		return fmt.Errorf("bad hello %q %x", kind, body)
	}
	chunks := map[uint64][]byte{}
	counts := map[uint64]uint32{}
	for {
		kind, body, err := readFrame(r)
		if err != nil {
			return err
		}
		if len(body) < 8 {
			return fmt.Errorf("frame %q of %d bytes", kind, len(body))
		}
		request := binary.BigEndian.Uint64(body)
		body = body[8:]
		switch kind {
		case kindChunk:
			if ordinal := binary.BigEndian.Uint32(body); ordinal != counts[request] {
				return fmt.Errorf("chunk %d of request %d, not %d", ordinal, request, counts[request])
			}
			counts[request]++
			chunks[request] = append(chunks[request], body[4:]...)
			g.mu.Lock()
			g.chunks++
			stall := g.stall
			g.mu.Unlock()
			if stall != nil {
				<-stall
			}
		case kindDiscard:
			delete(chunks, request)
			delete(counts, request)
			g.mu.Lock()
			g.discarded++
			g.mu.Unlock()
		case KindPropose, KindSequences:
			p := &Proposal{gate: g, conn: conn, Kind: kind, request: request}
			if err := p.decode(body); err != nil {
				return err
			}
			if p.Set.Chunks != counts[request] {
				return fmt.Errorf("%d chunks announced, %d received", p.Set.Chunks, counts[request])
			}
			p.Set.Payload = append(chunks[request], p.Set.Payload...)
			delete(chunks, request)
			delete(counts, request)
			g.take(p)
		default:
			return fmt.Errorf("frame of unknown type %q", kind)
		}
	}
}

func readFrame(r io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(head[:4])
	if length == 0 || length > 16<<20 {
		return 0, nil, fmt.Errorf("frame of %d bytes", length)
	}
	body = make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, err
	}
	return body[0], body[1:], nil
}

func (p *Proposal) decode(body []byte) (err error) {
	if len(body) < 8 {
		return io.ErrUnexpectedEOF
	}
	p.Epoch = binary.BigEndian.Uint64(body)
	p.Sequences, body, err = changeset.CutSequences(body[8:])
	if err != nil || p.Kind == KindSequences {
		return err
	}
	p.Set, err = changeset.DecodeChangeSet(body)
	return err
}

// take answers a proposal, or hands it to the test.
func (g *FakeGate) take(p *Proposal) {
	g.mu.Lock()
	held := g.held
	g.mu.Unlock()
	if held {
		g.arrived <- p
		return
	}
	p.Choose()
}

// Hold makes the gate hand what comes to the test, which answers.
func (g *FakeGate) Hold() { g.setHeld(true) }

// Release lets it choose by itself again. What is held stays held.
func (g *FakeGate) Release() { g.setHeld(false) }

// StallChunks makes the gate stop reading after the next chunk, until the
// returned function is called.
func (g *FakeGate) StallChunks() (resume func()) {
	stall := make(chan struct{})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stall = stall
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.stall == stall {
			g.stall = nil
			close(stall)
		}
	}
}

// Counts returns how many chunks and discards have come.
func (g *FakeGate) Counts() (chunks, discarded int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.chunks, g.discarded
}

func (g *FakeGate) setHeld(held bool) {
	g.mu.Lock()
	g.held = held
	g.mu.Unlock()
}

// Next waits for the next held proposal.
func (g *FakeGate) Next(t testing.TB) *Proposal {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case p := <-g.arrived:
		return p
	case <-timer.C:
		g.mu.Lock()
		defer g.mu.Unlock()
		t.Fatalf("no proposal came; faults: %v", g.faults)
		return nil
	}
}

// Chosen returns what was chosen so far, in order.
func (g *FakeGate) Chosen() []*Proposal {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*Proposal(nil), g.log...)
}

// Place gives the proposal the next position without telling the backend.
func (p *Proposal) Place() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.Kind == KindPropose {
		if g.last == 0 {
			g.last = g.server.Applied()
		}
		g.index = max(g.index, g.last.Index()) + 1
		p.Predecessor = g.last
		p.Position = changeset.At(g.index, 0)
		g.last = p.Position
		p.Set.Committed = p.Set.Timestamp + 1
	}
	g.log = append(g.log, p)
}

// Choose gives the proposal the next position and says so.
func (p *Proposal) Choose() {
	p.Place()
	p.AnswerChosen()
}

// AnswerChosen tells the backend what Place decided.
func (p *Proposal) AnswerChosen() {
	if p.Kind == KindSequences {
		p.Send(kindAgreed, nil)
		return
	}
	body := binary.BigEndian.AppendUint64(nil, uint64(p.Position))
	body = binary.BigEndian.AppendUint64(body, uint64(p.Predecessor))
	p.Send(kindChosen, binary.BigEndian.AppendUint64(body, uint64(p.Set.Committed)))
}

// Refuse tells the backend that the proposal is refused.
func (p *Proposal) Refuse(sqlstate, message string) {
	body := binary.BigEndian.AppendUint16([]byte(sqlstate), uint16(len(message)))
	p.Send(kindRefused, append(body, message...))
}

// Unknown tells the backend that nobody knows what became of the proposal.
func (p *Proposal) Unknown() { p.Send(kindUnknown, nil) }

// Send sends the backend a frame about the proposal, with what follows its
// request number.
func (p *Proposal) Send(kind byte, rest []byte) {
	frame := binary.BigEndian.AppendUint32(nil, uint32(1+8+len(rest)))
	frame = append(frame, kind)
	frame = binary.BigEndian.AppendUint64(frame, p.request)
	p.conn.Write(append(frame, rest...))
}
