package admin

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// guestsOf serves a handler to at most limit connections until the test ends, and returns a function that connects.
func guestsOf(t *testing.T, limit int, handler http.Handler) (connect func() net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(l)
	c.limit = limit
	server := &http.Server{ConnContext: rememberGuest, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer guestOf(r.Context()).answering()()
		handler.ServeHTTP(w, r)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(c) }() // ended below
	t.Cleanup(func() {
		server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return func() net.Conn {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

// inquire sends a request and returns the status of its answer.
func inquire(t *testing.T, conn net.Conn) int {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Error(err)
	}
	return statusIn(t, conn)
}

func statusIn(t *testing.T, conn net.Conn) int {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

func TestSilentConnectionsGiveWay(t *testing.T) {
	// However many connect and say nothing, or stop in the middle of a request, whoever asks is answered; the longest silent one gives way.
	connect := guestsOf(t, 4, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var silent []net.Conn
	for range 20 {
		conn := connect()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHo"); err != nil {
			t.Fatal(err)
		}
		silent = append(silent, conn)
		if len(silent)%5 == 0 {
			if got := inquire(t, connect()); got != http.StatusOK {
				t.Errorf("status %d beside silent connections", got)
			}
		}
	}
	if _, err := silent[0].Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("the longest silent connection is still there: %v", err)
	}
}

func TestFullHouse(t *testing.T) {
	// While all connections are being answered, one more is told at once that there is no room; afterwards there is.
	arrived, proceed := make(chan struct{}), make(chan struct{})
	connect := guestsOf(t, 2, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-proceed
	}))
	answered := make(chan int, 2)
	for range 2 {
		conn := connect()
		go func() { answered <- inquire(t, conn) }() // awaited below
		<-arrived
	}
	if got := statusIn(t, connect()); got != http.StatusServiceUnavailable {
		t.Errorf("status %d in a full house", got)
	}
	close(proceed)
	for range 2 {
		if got := <-answered; got != http.StatusOK {
			t.Errorf("status %d", got)
		}
	}
	done := make(chan int, 1)
	conn := connect()
	go func() { done <- inquire(t, conn) }() // awaited below
	<-arrived
	if got := <-done; got != http.StatusOK {
		t.Errorf("status %d when there is room again", got)
	}
}
