package proxy

import (
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// takeOver returns a descriptor that the loop may use for the stream of conn; conn belongs to it from now on, also when there is an
// error. A stream that is no plain socket (TLS, a pipe) is carried to a socket pair by two goroutines.
func (s *Server) takeOver(conn net.Conn) (int, error) {
	fd, ok, err := takeDescriptor(conn)
	if !ok {
		fd, err = s.bridge(conn)
	}
	if err != nil {
		conn.Close()
		return -1, err
	}
	return fd, nil
}

// bridge copies between conn and a socket pair. Its goroutines end when either side does; the server's Close waits for them.
func (s *Server) bridge(conn net.Conn) (int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("bridge: %w", err)
	}
	far, err := connOf(pair[1])
	if err != nil {
		unix.Close(pair[0])
		return -1, fmt.Errorf("bridge: %w", err)
	}
	s.bridges.Add(2)
	go func() { // ends when conn does, or with the goroutine below
		defer s.bridges.Done()
		io.Copy(far, conn)
		if w, ok := far.(*net.UnixConn); ok {
			w.CloseWrite()
		}
	}()
	go func() { // ends when the descriptor is closed
		defer s.bridges.Done()
		io.Copy(conn, far)
		conn.Close()
		far.Close()
	}()
	return pair[0], nil
}

// connOf turns a descriptor into a connection, which owns it.
func connOf(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("take back descriptor: %w", err)
	}
	return conn, nil
}
