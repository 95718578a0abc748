package proxy

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// cancelKeys remembers to which node's server the cancel keys of this proxy's own sessions belong. A key is the body of the
// BackendKeyData that passed by: process and secret.
type cancelKeys struct {
	mu    sync.Mutex
	nodes map[string]string // guarded by mu; key to node
}

func (k *cancelKeys) add(key, node string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.nodes == nil {
		k.nodes = make(map[string]string)
	}
	k.nodes[key] = node
}

func (k *cancelKeys) remove(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.nodes, key)
}

// node returns the node of a key, or nothing if the key is of no session of this proxy.
func (k *cancelKeys) node(key string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.nodes[key]
}

// serveCancel relays a cancel packet. When there are too many at once, the oldest is given up.
func (s *Server) serveCancel(packet []byte) {
	ctx, giveUp := context.WithCancel(s.ctx)
	defer giveUp()
	guest := s.cancels.Enter(giveUp)
	defer guest.Leave()
	if err := s.cancel(ctx, packet); err != nil {
		s.uncancelled.Say(func(n int) { s.options.Log.Warn("cancel request not relayed", "times", n, "error", err) })
	}
}

// cancel relays a cancel packet to the leader's server and waits until that server has dealt with it. A key that belongs to
// another node's server is dropped: what it would cancel is gone, and the process number may now be somebody else's. A key that
// came through another node's front door is unknown here, and relayed.
func (s *Server) cancel(ctx context.Context, packet []byte) error {
	ctx, stop := context.WithTimeout(ctx, s.options.Hold)
	defer stop()
	backend, err := s.options.Backends.Dial(ctx)
	if err != nil {
		return fmt.Errorf("relay cancel request: %w", err)
	}
	defer backend.Close()
	defer leave(backend.Place)
	if owner := s.keys.node(string(packet[8:])); owner != "" && owner != backend.Node {
		return nil
	}
	defer context.AfterFunc(ctx, func() { backend.SetDeadline(time.Unix(1, 0)) })()
	if _, err := backend.Write(packet); err != nil {
		return fmt.Errorf("relay cancel request to %s: %w", backend.Node, err)
	}
	// The server answers nothing: it closes the stream when the signal has been sent.
	if _, err := io.Copy(io.Discard, backend); err != nil {
		return fmt.Errorf("wait for cancel request at %s: %w", backend.Node, err)
	}
	return nil
}
