package proxy

import (
	"net"
	"sync"
)

// lines are the connections to backends that have taken over their clients.
type lines struct {
	mu     sync.Mutex
	open   map[*net.UnixConn]struct{} // guarded by mu
	closed bool                       // guarded by mu
}

// add is false if all lines have been cut.
func (l *lines) add(line *net.UnixConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.open == nil {
		l.open = make(map[*net.UnixConn]struct{})
	}
	l.open[line] = struct{}{}
	return true
}

func (l *lines) remove(line *net.UnixConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, line)
}

// cut closes all lines, those too that are still to come. The backends keep their clients, and go on speaking to them.
func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for line := range l.open {
		line.Close()
	}
}
