package proxy

import (
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	bufferSize = 128 << 10 // bytes read at once; one buffer for all sessions of a loop
	batchSize  = 128       // events taken at once
)

// loop relays many sessions in one goroutine, on a descriptor set of its own. Each chunk costs one read and one write, and no
// hand-over between goroutines: at a few microseconds per message those would cost more than the relaying. To wait, the goroutine
// parks until Go's own poller finds that the set has something ready; blocking in the kernel instead would cost a thread.
//
// The one buffer is enough because a chunk is written on at once; only what the other side does not take is copied to a backlog
// of the session, and that direction is not read again before the backlog is gone.
type loop struct {
	epoll    int // the descriptor set
	set      *os.File
	ready    syscall.RawConn        // of set
	poll     func(set uintptr) bool // look, bound once: each new closure would be an allocation
	events   []unix.EpollEvent
	found    int           // how many of events are valid
	errno    syscall.Errno // why none is
	wake     int           // an eventfd: there are orders
	sides    []*side       // by descriptor; owned by the loop's goroutine
	buffer   []byte
	draining bool
	stopped  bool
	ended    chan struct{} // closed when the goroutine has ended

	mu     sync.Mutex
	orders []order // guarded by mu
	closed bool    // guarded by mu: no more orders are taken
}

// order is what other goroutines ask of a loop; it runs in the loop's goroutine.
type order func(l *loop)

func newLoop() (*loop, error) {
	l := &loop{wake: -1, buffer: make([]byte, bufferSize), events: make([]unix.EpollEvent, batchSize), ended: make(chan struct{})}
	l.poll = l.look
	if err := l.open(); err != nil {
		l.close()
		return nil, fmt.Errorf("make a relay loop: %w", err)
	}
	go l.run() // stopped by stop, which waits for it
	return l, nil
}

func (l *loop) open() (err error) {
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if err = unix.SetNonblock(l.epoll, true); err != nil { // or Go's poller would not take it
		unix.Close(l.epoll)
		return err
	}
	l.set = os.NewFile(uintptr(l.epoll), "relay loop")
	if l.ready, err = l.set.SyscallConn(); err != nil {
		return err
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, l.wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(l.wake)})
}

func (l *loop) close() {
	if l.set != nil {
		l.set.Close()
	}
	if l.wake >= 0 {
		unix.Close(l.wake)
	}
}

// wait parks until something is ready, and returns what is.
func (l *loop) wait() []unix.EpollEvent {
	if err := l.ready.Read(l.poll); err != nil || l.errno != 0 {
		panic(fmt.Sprintf("proxy: wait on the loop's own descriptor set: %v, %v", err, l.errno))
	}
	return l.events[:l.found]
}

// look takes what is ready, and reports whether there is anything (or an error).
func (l *loop) look(set uintptr) bool {
	l.found, l.errno = pollNow(int(set), l.events)
	return l.found != 0
}

// add hands a relay, with both descriptors and the relay's own buffers empty or not, to the loop. When the loop lets go of it,
// r.done is closed.
func (l *loop) add(r *relay) {
	l.order(r, func(l *loop) { l.begin(r) })
}

// release asks the loop to let go of r for the reason why. It does nothing if it already has.
func (l *loop) release(r *relay, why ending) {
	l.order(nil, func(l *loop) {
		if l.has(r) {
			l.finish(r, why)
		}
	})
}

// crowdOut asks the loop to let go of r, unless its client is authenticated by now.
func (l *loop) crowdOut(r *relay) {
	l.order(nil, func(l *loop) {
		if l.has(r) && !r.known {
			l.finish(r, clientGaveWay)
		}
	})
}

// drain lets every session end as soon as it is idle.
func (l *loop) drain() {
	l.order(nil, func(l *loop) {
		l.draining = true
		for _, r := range l.relays() {
			if r.requests.quiet() {
				l.finish(r, shutdownIdle)
			}
		}
	})
}

// stop lets go of all sessions and ends the loop.
func (l *loop) stop() {
	l.order(nil, func(l *loop) {
		for _, r := range l.relays() {
			l.finish(r, shutdownForce)
		}
		l.stopped = true
	})
	<-l.ended
}

// order queues o and wakes the loop. If the loop has ended, a relay that was to be added is let go at once.
func (l *loop) order(added *relay, o order) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		if added != nil {
			added.why = shutdownForce
			close(added.done)
		}
		return
	}
	l.orders = append(l.orders, o)
	if len(l.orders) == 1 {
		var one = [8]byte{7: 1} // any number but 0 wakes, in either byte order
		writeEvent(l.wake, one[:])
	}
}

func (l *loop) run() {
	defer close(l.ended)
	defer l.close()
	for !l.stopped {
		woken := false
		for _, event := range l.wait() {
			if int(event.Fd) == l.wake {
				woken = true
				continue
			}
			l.handle(event)
		}
		// Orders come last: a descriptor that they add cannot then be meant by an older event of this batch.
		if woken {
			l.obey()
		}
	}
}

// obey runs what other goroutines have ordered. After an order to stop, orders are refused; those queued before it have run.
func (l *loop) obey() {
	readNow(l.wake, l.buffer[:8])
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.orders {
		o(l)
	}
	l.orders = l.orders[:0]
	l.closed = l.stopped
	if l.stopped {
		for _, r := range l.relays() { // added behind the order to stop
			l.finish(r, shutdownForce)
		}
	}
}

func (l *loop) begin(r *relay) {
	for _, s := range []*side{&r.client, &r.server} {
		for len(l.sides) <= s.fd {
			l.sides = append(l.sides, nil)
		}
		l.sides[s.fd] = s
		s.events = 0
		event := unix.EpollEvent{Fd: int32(s.fd)}
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, s.fd, &event); err != nil {
			panic(fmt.Sprintf("proxy: add an open descriptor: %v", err))
		}
	}
	l.settle(r)
	if l.draining && r.requests.quiet() {
		l.finish(r, shutdownIdle)
	}
}

func (l *loop) has(r *relay) bool {
	fd := r.client.fd
	return fd >= 0 && fd < len(l.sides) && l.sides[fd] == &r.client
}

func (l *loop) relays() []*relay {
	var all []*relay
	for _, s := range l.sides {
		if s != nil && s == &s.relay.client {
			all = append(all, s.relay)
		}
	}
	return all
}

// handle does what one event allows.
func (l *loop) handle(event unix.EpollEvent) {
	s := l.sides[event.Fd]
	if s == nil {
		return // its session ended earlier in this batch
	}
	r := s.relay
	if event.Events&unix.EPOLLOUT != 0 && len(s.backlog) > 0 {
		if !r.flush(s) {
			l.finish(r, r.why)
			return
		}
	}
	const gone = unix.EPOLLHUP | unix.EPOLLERR
	switch {
	case s.events&unix.EPOLLIN != 0 && event.Events&(unix.EPOLLIN|gone) != 0:
		if !r.pump(s, l.buffer) {
			l.finish(r, r.why)
			return
		}
	case event.Events&gone != 0:
		// It is not being read because the other side is slow, and would be reported again and again.
		why := clientGone
		if s == &r.server {
			why = backendEnded
		}
		l.finish(r, why)
		return
	}
	if l.draining && r.requests.quiet() {
		l.finish(r, shutdownIdle)
		return
	}
	l.settle(r)
}

// settle waits for what can be done next: to read where the other side has no backlog, to write where there is one.
func (l *loop) settle(r *relay) {
	for _, s := range [2]*side{&r.client, &r.server} {
		var want uint32
		if len(s.other.backlog) == 0 {
			want |= unix.EPOLLIN
		}
		if len(s.backlog) > 0 {
			want |= unix.EPOLLOUT
		}
		if want == s.events {
			continue
		}
		s.events = want
		event := unix.EpollEvent{Events: want, Fd: int32(s.fd)}
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, s.fd, &event); err != nil {
			panic(fmt.Sprintf("proxy: change what is awaited of an open descriptor: %v", err))
		}
	}
}

// finish lets go of r.
func (l *loop) finish(r *relay, why ending) {
	for _, s := range [2]*side{&r.client, &r.server} {
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, s.fd, nil); err != nil {
			panic(fmt.Sprintf("proxy: drop an open descriptor: %v", err))
		}
		l.sides[s.fd] = nil
	}
	r.why = why
	close(r.done)
}

func writeEvent(fd int, p []byte) {
	if _, err := syscall.Write(fd, p); err != nil && err != syscall.EAGAIN {
		panic(fmt.Sprintf("proxy: wake a relay loop: %v", err))
	}
}
