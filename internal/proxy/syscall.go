package proxy

import (
	"fmt"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readNow and writeNow are read(2) and send(2) on descriptors that never block, so they need not tell the scheduler. An empty
// buffer must not be passed.
func readNow(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

func writeNow(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), syscall.MSG_NOSIGNAL, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// pollNow is epoll_wait(2) without waiting. n is 0 if nothing is ready.
func pollNow(set int, events []unix.EpollEvent) (n int, errno syscall.Errno) {
	for {
		r, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(set), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		switch errno {
		case 0:
			return int(r), 0
		case syscall.EINTR:
		default:
			return -1, errno
		}
	}
}

// takeDescriptor returns a non-blocking descriptor of the stream of conn, out of the hands of Go's own poller, and closes conn. ok
// is false, and conn untouched, if conn is not a plain socket.
func takeDescriptor(conn net.Conn) (fd int, ok bool, err error) {
	var raw syscall.RawConn
	switch c := conn.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	default:
		return -1, false, nil
	}
	if err != nil {
		return -1, true, fmt.Errorf("take over descriptor: %w", err)
	}
	var dupErr error
	err = raw.Control(func(original uintptr) {
		fd, dupErr = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = dupErr
	}
	if err != nil {
		return -1, true, fmt.Errorf("take over descriptor: %w", err)
	}
	if err := conn.Close(); err != nil {
		unix.Close(fd)
		return -1, true, fmt.Errorf("take over descriptor: %w", err)
	}
	return fd, true, nil
}
