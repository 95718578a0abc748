package proxy

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5/pgproto3"
	"golang.org/x/sys/unix"
)

// claimant is a scripted backend that asks for its client's socket.
type claimant struct {
	*leader
	path string
	line *net.UnixConn
	page []byte
}

// claim asks for the client of a start-up packet, and takes it if it is handed over.
func (c *claimant) claim(m pgproto3.FrontendMessage) bool {
	named, err := hex.DecodeString(m.(*pgproto3.StartupMessage).Parameters["barista.client"])
	if err != nil || len(named) != tokenSize {
		return false
	}
	line, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: c.path, Net: "unix"})
	if err != nil {
		return false
	}
	c.line = line
	line.SetDeadline(time.Now().Add(20 * time.Second))
	line.Write(append(named, 0, 0, 0, 7, 1, 2, 3, 4))
	var answer [1]byte
	rights := make([]byte, unix.CmsgSpace(2*4))
	_, n, _, _, err := line.ReadMsgUnix(answer[:], rights)
	if err != nil || answer[0] != 1 {
		line.Close()
		return false
	}
	messages, _ := unix.ParseSocketControlMessage(rights[:n])
	fds, _ := unix.ParseUnixRights(&messages[0])
	c.page, _ = unix.Mmap(fds[1], 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	unix.Close(fds[1])
	file := os.NewFile(uintptr(fds[0]), "client")
	defer file.Close()
	client, _ := net.FileConn(file)
	c.conn.Close()
	c.conn, c.Backend = client, pgproto3.NewBackend(client, client)
	c.says(passStarting)
	return true
}

func (c *claimant) says(state uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&c.page[0])), state)
}

// die ends the backend: the line goes last, as with a process, whose descriptors the kernel closes in their order.
func (c *claimant) die() {
	c.conn.Close()
	if c.line != nil {
		c.line.Close()
	}
	if c.page != nil {
		unix.Munmap(c.page)
	}
}

// startPassing starts a front door whose leader's server is its own and runs the scripts.
func startPassing(t *testing.T, all ...func(c *claimant)) (*Server, *net.TCPAddr) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clients")
	backends := newScripts(t)
	backends.local = true
	for _, run := range all {
		backends.next <- func(l *leader) {
			c := &claimant{leader: l, path: path}
			defer c.die()
			run(c)
		}
	}
	s, addr := startProxy(t, Options{Backends: backends, Drain: 50 * time.Millisecond})
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	go s.ServeBackends(l) // ended by the front door's Shutdown
	return s, addr
}

// What a client hears when the backend that took it over dies, by what that said last.
func TestPassedBackendDies(t *testing.T) {
	tests := []struct {
		name string
		run  func(c *claimant)
		want string // what the client hears after it was greeted
	}{
		{"while idle", func(c *claimant) { c.says(passIdle) }, "E[08006]."},
		{"with a query under way", func(c *claimant) { c.says(passBusy) }, "E[08007]."},
		{"in the middle of a message", func(c *claimant) {
			c.says(passInside)
			c.conn.Write([]byte{'D', 0, 0, 1, 0, 'x'})
		}, "."},
		{"after its own last word", func(c *claimant) {
			c.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01"})
			c.Flush()
			c.says(passEnded)
		}, "E[57P01]."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			begin := make(chan struct{})
			s, addr := startPassing(t, func(c *claimant) {
				if m, err := c.ReceiveStartupMessage(); err != nil || !c.claim(m) {
					return
				}
				c.Send(&pgproto3.AuthenticationOk{})
				c.ready('I')
				<-begin
				test.run(c)
			})
			c := dialClient(t, addr)
			c.expect("RZ")
			close(begin)
			c.expect(test.want)
			waitFor(t, func() bool { return s.Sessions() == 0 })
		})
	}
}

// A backend that dies before its session is ready says so to nobody: the client hears that it can connect again.
func TestPassedBackendDiesAtStart(t *testing.T) {
	_, addr := startPassing(t, func(c *claimant) {
		m, _ := c.ReceiveStartupMessage()
		c.claim(m)
	})
	dialClient(t, addr).expect("E[57P03].")
}

// A backend that no longer waits for its client when it is handed over leaves it to the front door, which has stopped relaying: the client
// hears that it can connect again.
func TestPassTooLate(t *testing.T) {
	s, addr := startPassing(t, func(c *claimant) {
		m, _ := c.ReceiveStartupMessage()
		named, _ := hex.DecodeString(m.(*pgproto3.StartupMessage).Parameters["barista.client"])
		line, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: c.path, Net: "unix"})
		if err != nil {
			return
		}
		c.line = line
		line.CloseRead()
		line.Write(append(named, 0, 0, 0, 7, 1, 2, 3, 4))
		c.untilClosed()
	})
	dialClient(t, addr).expect("E[57P03].")
	waitFor(t, func() bool { return s.Sessions() == 0 })
}

// A client that has given its password is passed as well, and one that spoke out of turn is relayed on, without a loss.
func TestPassAfterThePassword(t *testing.T) {
	for _, test := range []struct {
		name   string
		early  bool
		passed bool
	}{{"in turn", false, true}, {"out of turn", true, false}} {
		t.Run(test.name, func(t *testing.T) {
			took := make(chan bool, 1)
			_, addr := startPassing(t, func(c *claimant) {
				m, _ := c.ReceiveStartupMessage()
				c.Send(&pgproto3.AuthenticationCleartextPassword{})
				c.Flush()
				c.SetAuthType(pgproto3.AuthTypeCleartextPassword)
				c.Receive()
				took <- c.claim(m)
				c.Send(&pgproto3.AuthenticationOk{})
				c.ready('I')
				for {
					if q, err := c.Receive(); err != nil {
						return
					} else if _, ok := q.(*pgproto3.Query); ok {
						c.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
						c.ready('I')
					}
				}
			})
			c := dialClient(t, addr)
			m, err := c.Receive()
			if _, ok := m.(*pgproto3.AuthenticationCleartextPassword); !ok {
				t.Fatalf("asked for a password, the client heard %T, %v", m, err)
			}
			c.Send(&pgproto3.PasswordMessage{Password: "milk"})
			if test.early {
				c.Send(&pgproto3.Query{String: "select 1"})
			}
			c.flush()
			if got := <-took; got != test.passed {
				t.Fatalf("passed: %v", got)
			}
			c.expect("RZ")
			if !test.early {
				c.query("select 1")
			}
			c.expect("CZ")
		})
	}
}

// A token is good for one claim, and what is no claim is shown the door.
func TestClaimsAreForOne(t *testing.T) {
	again := make(chan bool, 1)
	_, addr := startPassing(t, func(c *claimant) {
		m, _ := c.ReceiveStartupMessage()
		if !c.claim(m) {
			return
		}
		second := &claimant{leader: c.leader, path: c.path}
		again <- second.claim(m)
		line, err := net.Dial("unix", c.path)
		if err == nil {
			line.Write([]byte("short"))
			line.(*net.UnixConn).CloseWrite()
			io.Copy(io.Discard, line)
			line.Close()
		}
		c.Send(&pgproto3.AuthenticationOk{})
		c.ready('I')
		c.untilClosed()
	})
	c := dialClient(t, addr)
	c.expect("RZ")
	if <-again {
		t.Error("a client was passed twice")
	}
}

// When the front door is cut, a passed client stays with its backend, which has the last word.
func TestShutdownLetsGoOfThePassed(t *testing.T) {
	end := make(chan struct{})
	s, addr := startPassing(t, func(c *claimant) {
		m, _ := c.ReceiveStartupMessage()
		if !c.claim(m) {
			return
		}
		c.Send(&pgproto3.AuthenticationOk{})
		c.ready('I')
		<-end
		c.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01"})
		c.Flush()
	})
	c := dialClient(t, addr)
	c.expect("RZ")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Shutdown(ctx)
	if n := s.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	close(end)
	c.expect("E[57P01].")
}
