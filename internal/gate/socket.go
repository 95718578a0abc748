package gate

import (
	"fmt"
	"net"
	"os"
)

// ListenUnix makes a socket at path that backends of the own server can connect to. What an earlier process left there is removed.
func ListenUnix(path string) (*net.UnixListener, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on the socket: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil { // its folder is private to the server's user
		listener.Close()
		return nil, fmt.Errorf("make the socket accessible: %w", err)
	}
	return listener, nil
}
