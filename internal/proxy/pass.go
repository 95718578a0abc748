package proxy

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/baristadb/barista/internal/session"
	"golang.org/x/sys/unix"
)

// What a backend says in the page of a pass: whether its client can be told anything should the backend die. The numbers are those of the
// extension (client.c).
const (
	passOffered  = iota // the backend has not taken the client
	passStarting        // the session is not ready for a request
	passIdle            // every request has been answered
	passBusy            // a request was begun and not answered
	passInside          // the client may have got a part of a message
	passEnded           // the client knows all that there is to know
)

const pageSize = 4096

// pass is a client whose socket a backend has taken over.
type pass struct {
	client int    // this process's duplicate of the socket
	page   []byte // shared with the backend
	line   *net.UnixConn
	node   string
}

// newPass hands a client's socket to the backend that has claimed it. The descriptor belongs to the pass from now on, and so does the
// line; on an error the line is closed, the descriptor stays with the caller, and the backend does not have the client.
func newPass(client int, c claim, node string) (*pass, error) {
	p := &pass{client: client, line: c.line, node: node}
	page, err := unix.MemfdCreate("barista client", unix.MFD_CLOEXEC)
	if err != nil {
		p.release()
		return nil, fmt.Errorf("make a page for a client: %w", err)
	}
	defer unix.Close(page) // the mappings stay
	if err = unix.Ftruncate(page, pageSize); err == nil {
		p.page, err = unix.Mmap(page, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		p.release()
		return nil, fmt.Errorf("make a page for a client: %w", err)
	}
	c.line.SetDeadline(time.Now().Add(claimTime))
	if _, _, err := c.line.WriteMsgUnix([]byte{1}, unix.UnixRights(client, page), nil); err != nil {
		p.release()
		return nil, fmt.Errorf("hand a client over: %w", err)
	}
	c.line.SetDeadline(time.Time{})
	return p, nil
}

// state is what the backend said last.
func (p *pass) state() uint32 { return atomic.LoadUint32((*uint32)(unsafe.Pointer(&p.page[0]))) }

// wait returns when the backend has ended, or with an error when the line was closed from this side.
func (p *pass) wait() error {
	var b [1]byte
	if _, err := p.line.Read(b[:]); errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// failure returns what the client of a backend that has ended must be told, or nil.
func (p *pass) failure() *session.Failure {
	switch p.state() {
	case passOffered, passStarting:
		return session.LostAtStart(p.node)
	case passIdle:
		return session.LostIdle(p.node)
	case passBusy:
		return session.LostUnknown(p.node)
	default:
		return nil
	}
}

func (p *pass) close() {
	unix.Close(p.client)
	p.release()
}

// release gives back all but the client's socket.
func (p *pass) release() {
	p.line.Close()
	if p.page != nil {
		unix.Munmap(p.page)
	}
}

// follow hands a client over and waits for the end of its backend. The descriptor and the line belong to follow. It returns the client
// and what it must be told, if there is anything and the client can be told.
func (s *Server) follow(client int, c claim, node string) (net.Conn, *session.Failure) {
	p, err := newPass(client, c, node)
	if err != nil {
		s.options.Log.Error("session not begun", "error", err)
		return s.takeBack(client), session.LostAtStart(node)
	}
	if !s.lines.add(p.line) {
		p.close()
		return nil, nil
	}
	err = p.wait()
	s.lines.remove(p.line)
	why := p.failure()
	if err != nil || why == nil {
		p.close()
		return nil, nil
	}
	p.release()
	return s.takeBack(p.client), why
}

// takeBack makes a connection of a client's descriptor again, or closes it and returns nil.
func (s *Server) takeBack(client int) net.Conn {
	conn, err := connOf(client)
	if err != nil {
		s.options.Log.Error("session cut", "error", err)
		return nil
	}
	return conn
}
