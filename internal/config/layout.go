package config

import (
	"path/filepath"
	"strings"
)

// JournalDir is the folder of the node's journal. A node that has one has been a node before.
func (c Config) JournalDir() string { return filepath.Join(c.Dir, "journal") }

// DataDir is the server's data folder.
func (c Config) DataDir() string { return filepath.Join(c.Dir, "pgdata") }

// SockDir is the folder that only the server and its barista enter: the server's socket, the gate's, the operator's, the mapped file.
func (c Config) SockDir() string { return filepath.Join(c.Dir, "sock") }

// LibDir is the folder of the server's own copy of the extension's library.
func (c Config) LibDir() string { return filepath.Join(c.Dir, "lib") }

// GateSocket is the path of the gate's socket.
func (c Config) GateSocket() string { return filepath.Join(c.SockDir(), "gate") }

// ClientSocket is the path of the socket on which the server's backends ask for their clients' sockets.
func (c Config) ClientSocket() string { return filepath.Join(c.SockDir(), "clients") }

// AdminSocket is the path of the socket through which an operator on this machine gives orders.
func (c Config) AdminSocket() string { return filepath.Join(c.SockDir(), "admin") }

// SharedFile is the path of the file that barista and the server map.
func (c Config) SharedFile() string { return filepath.Join(c.SockDir(), "shared") }

// PIDFile names the process that runs the node, see Claim.
func (c Config) PIDFile() string { return filepath.Join(c.Dir, "barista.pid") }

// LogFile is where a node that runs in the background writes what it has to say.
func (c Config) LogFile() string { return filepath.Join(c.Dir, "barista.log") }

// ServerLogFile is where the server writes what it has to say.
func (c Config) ServerLogFile() string { return filepath.Join(c.Dir, "server.log") }

// Belongs reports whether what has that name in the node's folder belongs to a node: what barista and its server put there, what an operator does, and
// copies of these, whose names go on behind a point or the like. So does a disk's lost+found.
func (c Config) Belongs(name string) bool {
	known := []string{"node.yaml", "secret", "lost+found"}
	for _, path := range []string{c.SecretFile, c.JournalDir(), c.DataDir(), c.SockDir(), c.LibDir(), c.PIDFile(), c.LogFile(), c.ServerLogFile()} {
		known = append(known, filepath.Base(path))
	}
	for _, one := range known {
		if rest, found := strings.CutPrefix(name, one); found && (rest == "" || strings.ContainsRune(".~-", rune(rest[0]))) {
			return true
		}
	}
	return false
}
