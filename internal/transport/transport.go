package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/lobby"
)

// Config says how to reach the peers and what to do with what they send. Zero limits mean the defaults named here.
type Config struct {
	Self   Identity
	Secret []byte // shared by the cluster; must not be empty
	Listen string // host:port; port 0 takes a free one. Loopback only
	// Listener is Listen's port, where that is open already; nil: New opens it.
	Listener *net.TCPListener
	Peers    map[string]string // address by name; an entry with the node's own name is ignored

	// Handler gets each frame that a peer sent, on the goroutine that reads that peer's stream: frames of one peer come one
	// after the other, in order; a Handler that blocks holds back that peer alone, and for more than Silence loses the
	// connection. It may keep body. Frames may be lost at any point, never doubled or reordered.
	Handler func(from Identity, typ uint8, body []byte)
	// PeerUp is called when a stream to the peer stands, PeerDown when it is gone: in turns, on a goroutine of that peer. Both
	// may be nil. What was queued when the stream went is discarded.
	PeerUp, PeerDown func(peer Identity)

	// Foreign is called, on a goroutine of its own connection, whenever a peer that holds the secret turns out to belong to another cluster, with what
	// both said of themselves in that handshake. It may be nil.
	Foreign func(self, peer Identity)

	MaxFrame         int           // bytes of a frame's body; 64 MiB
	QueueBytes       int           // bytes queued for one peer; 64 MiB
	MaxConnections   int           // incoming connections that have not ended their handshake; 256. The oldest give way
	HandshakeTimeout time.Duration // 5 s
	Silence          time.Duration // a stream on which nothing comes for this long is dropped; 5 s
	Log              *slog.Logger  // nil: discarded
}

// withDefaults fills in what was left zero, and refuses what cannot work.
func (cfg Config) withDefaults() (Config, error) {
	if len(cfg.Secret) == 0 {
		return cfg, errors.New("transport: no shared secret")
	}
	if cfg.Self.Name == "" {
		return cfg, errors.New("transport: no node name")
	}
	if err := (hello{Identity: cfg.Self}).checkLengths(); err != nil {
		return cfg, fmt.Errorf("transport: own identity: %w", err)
	}
	limits := []struct {
		limit    *int
		fallback int
	}{{&cfg.MaxFrame, 64 << 20}, {&cfg.QueueBytes, 64 << 20}, {&cfg.MaxConnections, 256}}
	for _, l := range limits {
		if *l.limit <= 0 {
			*l.limit = l.fallback
		}
	}
	if cfg.HandshakeTimeout <= 0 {
		cfg.HandshakeTimeout = 5 * time.Second
	}
	if cfg.Silence <= 0 {
		cfg.Silence = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg, nil
}

// Transport is one node's end of all its connections with its peers. Its methods may be called from any goroutine.
type Transport struct {
	cfg      Config
	listener *net.TCPListener
	control  *http.Client
	fresh    *lobby.Lobby // connections that have not ended their handshake
	crowded  lobby.Rarely // a line of these, when there are too many
	strange  lobby.Rarely // of those that did not end it well
	unable   lobby.Rarely // of those that could not be accepted

	mu       sync.Mutex // guards what follows
	self     Identity
	peers    map[string]*peer
	inbound  map[string]*inbound                                             // paxos streams from peers, by name
	handlers map[string]func(ctx context.Context, c net.Conn, from Identity) // by purpose
	serving  context.Context                                                 // nil before Serve and after its end
	tasks    sync.WaitGroup                                                  // goroutines that Serve waits for
}

// New checks the configuration and binds the port; nothing is accepted or dialled before Serve. A Listen address outside
// loopback is ErrNotLoopback.
func New(cfg Config) (*Transport, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	addr, err := net.ResolveTCPAddr("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("transport: listen address %q: %w", cfg.Listen, err)
	}
	if !addr.IP.IsLoopback() {
		return nil, fmt.Errorf("transport: listen address %q: %w", cfg.Listen, ErrNotLoopback)
	}
	listener := cfg.Listener
	if listener == nil {
		if listener, err = net.ListenTCP("tcp", addr); err != nil {
			return nil, fmt.Errorf("transport: %w", err)
		}
	}
	t := &Transport{
		cfg:      cfg,
		listener: listener,
		self:     cfg.Self,
		peers:    make(map[string]*peer),
		inbound:  make(map[string]*inbound),
		handlers: make(map[string]func(context.Context, net.Conn, Identity)),
	}
	if t.fresh, err = lobby.New(lobby.Options{Limit: cfg.MaxConnections, Grace: handshakeGrace, Crowded: t.sayCrowded}); err != nil {
		return nil, errors.Join(fmt.Errorf("transport: %w", err), listener.Close())
	}
	t.control = t.newHTTPClient()
	for name, addr := range cfg.Peers {
		t.SetPeer(name, addr)
	}
	return t, nil
}

// Addr is the bound address.
func (t *Transport) Addr() net.Addr { return t.listener.Addr() }

// Close gives the port back. It is for a transport that never serves; Serve closes by itself.
func (t *Transport) Close() error { return t.listener.Close() }

// Serve accepts connections and keeps a stream to each peer until ctx ends; then it closes every incoming connection and every
// stream, waits for their goroutines (and so for handlers), and returns nil. Connections that Dial returned belong to their
// callers. It is called once.
func (t *Transport) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.mu.Lock()
	t.serving = ctx
	for _, p := range t.peers {
		t.startPeer(p)
	}
	t.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { t.listener.Close() })
	defer stop()

	err := t.accept(ctx)

	cancel()
	t.mu.Lock()
	t.serving = nil
	t.mu.Unlock()
	t.tasks.Wait()
	t.control.CloseIdleConnections()
	return err
}

// SetSelf changes what this node tells about itself: a joiner learns its cluster, a wiped node its new incarnation. Streams
// that stand under the old identity are dropped and made anew. The name must stay.
func (t *Transport) SetSelf(self Identity) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if self == t.self {
		return
	}
	t.self = self
	for _, p := range t.peers {
		put(p.changed)
	}
	for _, in := range t.inbound {
		in.conn.Close()
	}
	t.control.CloseIdleConnections()
}

// SetVoters changes how many nodes vote in this node's cluster. Streams that stand are not made anew for it.
func (t *Transport) SetVoters(voters int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.self.Voters = uint16(voters)
}

// noteForeign tells of a peer that belongs to another cluster, if that is what ended a handshake.
func (t *Transport) noteForeign(err error) {
	if another, ok := errors.AsType[*AnotherCluster](err); ok && t.cfg.Foreign != nil {
		t.cfg.Foreign(another.Self, another.Peer)
	}
}

func (t *Transport) identity() Identity {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.self
}

// SetPeer makes name known under addr, or changes its address.
func (t *Transport) SetPeer(name, addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.peers[name]
	if name == t.self.Name || old != nil && old.addr == addr {
		return
	}
	p := newPeer(t, name, addr)
	if old != nil && old.cancel != nil {
		old.cancel()
		p.after = old.done
	}
	t.peers[name] = p
	if t.serving != nil {
		t.startPeer(p)
	}
}

// RemovePeer forgets name, ends the stream to it, and closes the one from it. It does not keep the peer from coming back:
// whom to listen to is the Handler's to decide.
func (t *Transport) RemovePeer(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.peers[name]; p != nil && p.cancel != nil {
		p.cancel()
	}
	delete(t.peers, name)
	if in := t.inbound[name]; in != nil {
		in.conn.Close()
	}
}

// startPeer starts the goroutine that keeps p's stream. It ends with Serve's context or p.cancel; Serve waits for it.
// The caller holds mu.
func (t *Transport) startPeer(p *peer) {
	ctx, cancel := context.WithCancel(t.serving)
	p.cancel = cancel
	t.tasks.Go(func() { p.keep(ctx) })
}

// Send queues a frame for peer and returns at once. The frame is dropped, and counted, when there is no stream to the peer, when
// its queue is full, or when it is longer than MaxFrame; for an unknown peer it is only dropped. body may be reused when Send returns.
func (t *Transport) Send(peer string, typ uint8, body []byte) {
	t.mu.Lock()
	p := t.peers[peer]
	t.mu.Unlock()
	if p == nil {
		return
	}
	p.stream.send(typ, body)
}

// Stats returns the counters of the stream to peer; zero for an unknown one.
func (t *Transport) Stats(peer string) Stats {
	t.mu.Lock()
	p := t.peers[peer]
	t.mu.Unlock()
	if p == nil {
		return Stats{}
	}
	return p.stream.snapshot()
}
