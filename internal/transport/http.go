package transport

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// HTTPClient speaks HTTP with peers; the host of a URL is a peer's name: http://n2/status. Requests take their time limits from
// their contexts.
func (t *Transport) HTTPClient() *http.Client { return t.control }

func (t *Transport) newHTTPClient() *http.Client {
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) {
		name, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return t.Dial(ctx, name, PurposeControl)
	}
	return &http.Client{Transport: &http.Transport{
		DialContext:         dial,
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     30 * time.Second,
	}}
}

// ServeHTTP makes h answer what peers ask over control connections. The context of each request carries the peer: see From.
// It must be set before Serve.
func (t *Transport) ServeHTTP(h http.Handler) {
	t.Handle(PurposeControl, func(ctx context.Context, c net.Conn, from Identity) {
		one := newOneConn(c)
		server := &http.Server{
			Handler:           h,
			ReadHeaderTimeout: t.cfg.HandshakeTimeout,
			IdleTimeout:       time.Minute,
			ErrorLog:          slog.NewLogLogger(t.cfg.Log.Handler(), slog.LevelWarn),
			BaseContext:       func(net.Listener) context.Context { return context.WithValue(ctx, fromKey{}, from) },
		}
		server.Serve(one) // ends when the connection is closed: then Accept says so
	})
}

type fromKey struct{}

// From tells which peer sent a request that ServeHTTP's handler got.
func From(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(fromKey{}).(Identity)
	return id, ok
}

// oneConn is a listener that accepts one connection, and ends when that is closed.
type oneConn struct {
	addr  net.Addr
	first chan net.Conn
	done  chan struct{}
}

func newOneConn(c net.Conn) *oneConn {
	l := &oneConn{addr: c.LocalAddr(), first: make(chan net.Conn, 1), done: make(chan struct{})}
	l.first <- &closeTold{Conn: c, told: sync.OnceFunc(func() { close(l.done) })}
	return l
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.first:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.addr }

// closeTold is a connection that tells when it is closed.
type closeTold struct {
	net.Conn
	told func()
}

func (c *closeTold) Close() error {
	err := c.Conn.Close()
	c.told()
	return err
}
