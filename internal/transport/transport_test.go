package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const patience = 10 * time.Second // no test waits longer for anything

// end is one transport under test, with what it received.
type end struct {
	*Transport
	got      chan frame
	up, down chan string
}

// startEnd serves a transport until the test ends. change, if any, has the last word on the configuration.
func startEnd(t testing.TB, name string, change func(*Config)) *end {
	t.Helper()
	e := &end{got: make(chan frame, 1000), up: make(chan string, 100), down: make(chan string, 100)}
	cfg := Config{
		Self: identity(name), Secret: []byte("s"), Listen: "127.0.0.1:0",
		Handler:  func(_ Identity, typ uint8, body []byte) { e.got <- frame{typ, string(body)} },
		PeerUp:   func(p Identity) { e.up <- p.Name },
		PeerDown: func(p Identity) { e.down <- p.Name },
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if e.Transport, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	e.run(t)
	return e
}

// run serves until the test ends, or until the function that it returns is called.
func (e *end) run(t testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Serve(ctx) }() // awaited by stop
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := receive(t, done); err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// join makes a and b know each other and waits until both streams stand.
func join(t testing.TB, a, b *end) {
	t.Helper()
	a.SetPeer(b.self.Name, b.Addr().String())
	b.SetPeer(a.self.Name, a.Addr().String())
	receive(t, a.up)
	receive(t, b.up)
}

// Frames arrive once and in order, in both directions, whoever writes them and whatever their length.
func TestFramesInOrder(t *testing.T) {
	a, b := startEnd(t, "n1", nil), startEnd(t, "n2", nil)
	join(t, a, b)
	const n = 500
	send := func(from *end, to string) {
		for i := range n {
			body := binary.BigEndian.AppendUint32(nil, uint32(i))
			from.Send(to, 9, append(body, make([]byte, i*i%(3*inlineLimit))...))
		}
	}
	go send(a, "n2") // both end by themselves: Send never waits
	go send(b, "n1")
	for _, e := range []*end{a, b} {
		for i := range n {
			f := receive(t, e.got)
			if f.typ != 9 || len(f.body) != 4+i*i%(3*inlineLimit) || binary.BigEndian.Uint32([]byte(f.body)) != uint32(i) {
				t.Fatalf("%s: frame %d is type %d, %d bytes", e.self.Name, i, f.typ, len(f.body))
			}
		}
	}
	if s := a.Stats("n2"); s.Sent != n || s.Dropped != 0 || !s.Connected {
		t.Errorf("stats %+v", s)
	}
}

// Send drops and counts what it has no stream for, and what is too long; it knows nothing of strangers.
func TestSendDrops(t *testing.T) {
	a := startEnd(t, "n1", func(c *Config) { c.MaxFrame = 10 })
	a.Send("n2", 1, []byte("x"))
	b := startEnd(t, "n2", nil)
	a.SetPeer("n2", "127.0.0.1:1")
	a.Send("n2", 1, []byte("x"))
	if s := a.Stats("n2"); s.Dropped != 1 || s.Sent != 0 || s.Connected {
		t.Errorf("without a stream: %+v", s)
	}
	join(t, a, b)
	a.Send("n2", 1, make([]byte, 11))
	a.Send("n2", 1, make([]byte, 10))
	if f := receive(t, b.got); len(f.body) != 10 {
		t.Errorf("got %d bytes", len(f.body))
	}
	if s := a.Stats("n2"); s.Dropped != 1 || s.Sent != 1 {
		t.Errorf("too long: %+v", s)
	}
}

// A peer that takes nothing fills its queue up to the limit and no further, Send does not wait for it, and after the silence
// limit the stream is dropped, its queue with it.
func TestStalledPeer(t *testing.T) {
	const limit = 4 << 20
	release := make(chan struct{})
	a := startEnd(t, "n1", func(c *Config) { c.QueueBytes, c.Silence = limit, 500*time.Millisecond })
	b := startEnd(t, "n2", func(c *Config) { c.Handler = func(Identity, uint8, []byte) { <-release } })
	defer close(release)
	a.SetPeer("n2", b.Addr().String())
	receive(t, a.up)
	body := make([]byte, 100_000)
	for i := 0; a.Stats("n2").Dropped == 0; i++ {
		if i > 10_000 {
			t.Fatal("the queue has no limit")
		}
		a.Send("n2", 1, body)
		if s := a.Stats("n2"); s.Queued > limit+2*len(body) {
			t.Fatalf("%d bytes are queued", s.Queued)
		}
	}
	receive(t, a.down)
	if s := a.Stats("n2"); s.Queued != 0 {
		t.Errorf("after the stream went, %d bytes are queued", s.Queued)
	}
}

// A stream comes back after its peer did, and what was sent meanwhile is lost.
func TestReconnect(t *testing.T) {
	a := startEnd(t, "n1", nil)
	tr, err := New(Config{Self: identity("n2"), Secret: []byte("s"), Listen: "127.0.0.1:0", Handler: func(Identity, uint8, []byte) {}})
	if err != nil {
		t.Fatal(err)
	}
	b := &end{Transport: tr}
	stop := b.run(t)
	addr := b.Addr().String()
	a.SetPeer("n2", addr)
	receive(t, a.up)
	stop()
	receive(t, a.down)
	a.Send("n2", 1, []byte("lost"))
	b2 := startEnd(t, "n2", func(c *Config) { c.Listen = addr })
	receive(t, a.up)
	a.Send("n2", 2, []byte("kept"))
	if f := receive(t, b2.got); f.typ != 2 {
		t.Errorf("got %v", f)
	}
}

// A peer of another cluster is refused again and again, and gets through once it belongs to the same one; a node that learns
// another identity makes its streams anew.
func TestSetSelf(t *testing.T) {
	a := startEnd(t, "n1", nil)
	b := startEnd(t, "n2", func(c *Config) { c.Self.Cluster = [16]byte{} })
	a.SetPeer("n2", b.Addr().String())
	b.SetPeer("n1", a.Addr().String())
	if _, _, err := b.dial(context.Background(), "n1", a.Addr().String(), PurposePaxos); !errors.Is(err, ErrRefused) {
		t.Fatalf("a joiner's stream: %v", err)
	}
	b.SetSelf(identity("n2"))
	receive(t, a.up)
	receive(t, b.up)
	for i := range 50 {
		b.Send("n1", uint8(i+1), nil)
		receive(t, a.got)
	}
	if len(b.down) > 0 {
		t.Error("the stream was dropped without a reason")
	}
	again := identity("n2")
	again.Incarnation++
	b.SetSelf(again)
	receive(t, b.down)
	receive(t, b.up)
}

// A second stream of the same peer takes the place of the first.
func TestReplacedStream(t *testing.T) {
	b := startEnd(t, "n2", nil)
	a, err := New(Config{Self: identity("n1"), Secret: []byte("s"), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var conns [2]net.Conn
	for i := range conns {
		c, _, err := a.dial(context.Background(), "n2", b.Addr().String(), PurposePaxos)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		c.Write(appendFrame(nil, uint8(i+1), nil))
		if f := receive(t, b.got); f.typ != uint8(i+1) {
			t.Fatalf("got %v", f)
		}
		conns[i] = c
	}
	if _, err := conns[0].Read(make([]byte, 1)); err == nil {
		t.Error("the first stream still stands")
	}
}

// Who connects and says nothing, or stops in the middle of a hello, or falls silent on a stream, is dropped; so is who sends
// garbage or an over-long frame.
func TestBadPeers(t *testing.T) {
	b := startEnd(t, "n2", func(c *Config) {
		c.HandshakeTimeout, c.Silence, c.MaxFrame = 200*time.Millisecond, 200*time.Millisecond, 1000
	})
	h := sampleHello().append(nil)
	over := binary.BigEndian.AppendUint32(nil, 1<<31)
	tests := []struct {
		name   string
		stream bool // after a handshake
		send   []byte
	}{
		{"says nothing", false, nil},
		{"half a hello", false, h[:len(h)/2]},
		{"a hello without a proof", false, h},
		{"garbage", false, bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 100)},
		{"silent stream", true, nil},
		{"half a frame", true, []byte{0, 0, 0, 9, 1, 2}},
		{"over-long frame", true, over},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := net.Dial("tcp", b.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if tt.stream {
				if _, err := greet(c, identity("n1"), []byte("s"), "n2", PurposePaxos); err != nil {
					t.Fatal(err)
				}
			}
			c.Write(tt.send)
			c.SetDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
				t.Error("the connection still stands")
			}
		})
	}
}

// However many connections stop in their handshake and stay, before the hello or behind it, a peer gets in, and again when its streams have
// ended; the log says so in one line with the limit, and in one line what became of them.
func TestHalfOpenPeers(t *testing.T) {
	var log lockedBuffer
	const limit = 8
	b := startEnd(t, "n2", func(c *Config) {
		c.MaxConnections, c.HandshakeTimeout, c.Log = limit, time.Minute, slog.New(slog.NewTextHandler(&log, nil))
	})
	flood := func() {
		for i := range 5 * limit {
			c, err := net.Dial("tcp", b.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			if i%2 == 0 {
				c.Write(sampleHello().append(nil))
			}
		}
	}
	flood()
	a := startEnd(t, "n1", nil)
	join(t, a, b)
	flood()
	again := identity("n1")
	again.Incarnation++
	a.SetSelf(again)
	for _, c := range []<-chan string{a.down, a.up} {
		receive(t, c)
	}
	a.Send("n2", 1, []byte("latte"))
	if f := receive(t, b.got); f.body != "latte" {
		t.Errorf("got %v", f)
	}
	for text, want := range map[string]int{"too many connections": 1, "limit=8": 1, "did not end its handshake": 1} {
		if n := strings.Count(log.String(), text); n != want {
			t.Errorf("the log has %q %d times:\n%s", text, n, log.String())
		}
	}
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// A raw stream carries bytes both ways and tells both sides whom they speak with; an unknown peer, purpose or name is an error.
func TestRawStream(t *testing.T) {
	a, b := startEnd(t, "n1", nil), startEnd(t, "n2", nil)
	b.Handle("sql", func(_ context.Context, c net.Conn, from Identity) {
		fmt.Fprintf(c, "hello %s\n", from.Name)
		io.Copy(c, c)
	})
	a.SetPeer("n2", b.Addr().String())
	a.SetPeer("n3", b.Addr().String())
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := a.Dial(ctx, "n2", "sql")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if id := c.(*Conn).Peer; id != identity("n2") {
		t.Errorf("the peer is %+v", id)
	}
	io.WriteString(c, "latte")
	c.(*Conn).CloseWrite()
	if got, err := io.ReadAll(c); string(got) != "hello n1\nlatte" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, tt := range []struct {
		peer, purpose string
		want          error
	}{{"n4", "sql", ErrUnknownPeer}, {"n2", "tea", ErrRefused}, {"n3", "sql", ErrRefused}} {
		if _, err := a.Dial(ctx, tt.peer, tt.purpose); !errors.Is(err, tt.want) {
			t.Errorf("%s, %s: %v, want %v", tt.peer, tt.purpose, err, tt.want)
		}
	}
}

// The end of Serve ends the handlers of raw streams and closes their connections.
func TestServeEndsRawStreams(t *testing.T) {
	a := startEnd(t, "n1", nil)
	tr, err := New(Config{Self: identity("n2"), Secret: []byte("s"), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	b := &end{Transport: tr}
	b.Handle("sql", func(_ context.Context, c net.Conn, _ Identity) { io.Copy(io.Discard, c) })
	stop := b.run(t)
	a.SetPeer("n2", b.Addr().String())
	c, err := a.Dial(context.Background(), "n2", "sql")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stop()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("read: %v", err)
	}
}

// HTTP between nodes goes by peer names, over kept connections, and the handler knows who asks; a joiner may ask too.
func TestControl(t *testing.T) {
	a := startEnd(t, "n1", func(c *Config) { c.Self.Cluster = [16]byte{} })
	tr, err := New(Config{Self: identity("n2"), Secret: []byte("s"), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	b := &end{Transport: tr}
	b.ServeHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := From(r.Context())
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", id.Name, r.URL.Path, body)
	}))
	b.run(t)
	a.SetPeer("n2", b.Addr().String())
	for i := range 3 {
		resp, err := a.HTTPClient().Post("http://n2/status", "text/plain", strings.NewReader(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := fmt.Sprintf("n1 /status %d", i); string(got) != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

// New refuses what cannot work, with an error that says what.
func TestNewRefuses(t *testing.T) {
	good := Config{Self: identity("n1"), Secret: []byte("s"), Listen: "127.0.0.1:0"}
	for name, change := range map[string]func(*Config){
		"secret":   func(c *Config) { c.Secret = nil },
		"name":     func(c *Config) { c.Self.Name = "" },
		"address":  func(c *Config) { c.Listen = "nowhere" },
		"long":     func(c *Config) { c.Self.Collation = strings.Repeat("x", maxField+1) },
		"loopback": func(c *Config) { c.Listen = "0.0.0.0:0" },
		"any":      func(c *Config) { c.Listen = ":0" },
	} {
		cfg := good
		change(&cfg)
		tr, err := New(cfg)
		if err == nil {
			tr.Close()
			t.Errorf("%s: accepted", name)
		} else if (name == "loopback" || name == "any") && !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := startEnd(t, "n1", func(c *Config) { c.Peers = map[string]string{"n2": "192.0.2.1:5"} })
	if _, err := a.Dial(context.Background(), "n2", "sql"); !errors.Is(err, ErrNotLoopback) {
		t.Errorf("dial: %v", err)
	}
}

// A frame of 500 bytes to a peer and back.
func BenchmarkPingPong(b *testing.B) {
	back := make(chan struct{}, 1)
	one := startEnd(b, "n1", func(c *Config) { c.Handler = func(Identity, uint8, []byte) { back <- struct{}{} } })
	var two *end
	two = startEnd(b, "n2", func(c *Config) {
		c.Handler = func(_ Identity, typ uint8, body []byte) { two.Send("n1", typ, body) }
	})
	join(b, one, two)
	body := make([]byte, 500)
	b.ReportAllocs()
	for b.Loop() {
		one.Send("n2", 1, body)
		<-back
	}
}
