// Package postgres runs one PostgreSQL server as a child process of barista: it makes the data folder, or fetches it
// from a peer, writes the configuration, starts the server, notices when it dies or hangs, and stops it. The server
// shares barista's fate: it never outlives the process that started it, and no server starts in a data folder that
// still has a process. The package knows nothing of consensus, and runs a server without the extension too.
package postgres

import (
	"log/slog"
	"time"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
)

// Role is the database role that barista itself uses. Only barista's own operating system users may take it, and
// only over the server's own socket.
const Role = "barista"

// Port numbers the server's socket within its folder. It is not a TCP port: the server listens on none.
const Port = 5432

// maxSocketPath is what the operating system leaves for the path of a unix socket, its closing zero byte not counted.
const maxSocketPath = 107

// Config says how one server is to be run. ForNode makes it from a node's configuration; a test may also fill it in
// by hand.
type Config struct {
	// Name appears in the server's process titles.
	Name string
	// Bin is the folder of PostgreSQL's programs.
	Bin string
	// Account is the operating system's user that runs the server and owns its folders, in which everything is done with its rights.
	Account account.Account

	// DataDir, SockDir and LogFile are absolute. SockDir is made anew if it is missing; LogFile is appended to.
	DataDir, SockDir, LogFile string

	// Extension is what the server loads. Nil: a plain server, and the next three fields are unused.
	Extension *Extension
	// LibDir is where the server's own copy of the library is put, so that a new build never changes the file
	// that a running server has mapped.
	LibDir string
	// SharedFile and GateSocket are made in SockDir before Start, with Account's rights.
	SharedFile, GateSocket string
	// ClientSocket is where backends ask for their clients' sockets. Empty: every session is relayed.
	ClientSocket string

	// Password is what Init gives the superuser postgres, or a verifier of it; empty: none. Other functions do not use it.
	Password string
	// MaxSessions is how many clients that are not superusers the server admits at once; 0: as many as PostgreSQL does by default.
	MaxSessions int
	// MaxTransaction is how many bytes the changes of one transaction may take; 0: the extension's default.
	MaxTransaction config.Size
	// Auth says how clients other than barista are known.
	Auth config.Auth
	// Settings override this package's defaults, but not what it fixes.
	Settings map[string]string

	// ProbeEvery is the time between two looks at the server's health, ProbeLimit how long one may take.
	// Default: 1 s and 5 s. Two probes in a row that get no answer mean that the server hangs.
	ProbeEvery, ProbeLimit time.Duration
	// Suspect, if it is set, reports whether something of the server stands still that should not: then all its processes are looked at.
	Suspect func() bool `json:"-"`

	// Log gets what an operator should know. Default: nothing is logged.
	Log *slog.Logger
}

// ForNode finds PostgreSQL for a node and says how its server is to be run. Whatever is missing or cannot work on this
// machine is a config.Mistake. PostgreSQL's programs are asked who they are: ForNode is not for root.
func ForNode(node config.Config, extension *Extension, log *slog.Logger) (Config, error) {
	if _, err := parseConnConfig(); err != nil {
		return Config{}, err
	}
	runs, err := account.Lookup(node.OSUser)
	if err != nil {
		return Config{}, err
	}
	bin, err := findPrograms(node.PgBin)
	if err != nil {
		return Config{}, err
	}
	c := Config{
		Name:         "barista-" + node.Name,
		Bin:          bin,
		Account:      runs,
		DataDir:      node.DataDir(),
		SockDir:      node.SockDir(),
		LogFile:      node.ServerLogFile(),
		Extension:    extension,
		LibDir:       node.LibDir(),
		ClientSocket: node.ClientSocket(),
		SharedFile:   node.SharedFile(),
		GateSocket:   node.GateSocket(),
		MaxSessions:  node.MaxSessions,
		Auth:         node.Auth,
		Settings:     node.Settings,
		Log:          log,

		MaxTransaction: node.MaxTransaction,
	}
	if err := c.checkSocketPath(); err != nil {
		return Config{}, err
	}
	if err := runs.CheckEnter(node.Dir); err != nil {
		return Config{}, err
	}
	return c, c.checkSettings()
}

func (c Config) checkSocketPath() error {
	if path := c.SocketPath(); len(path) > maxSocketPath {
		return config.Mistakef("the socket path %s has %d bytes, and the system allows %d: use a folder with a shorter name",
			path, len(path), maxSocketPath)
	}
	return nil
}

// withDefaults returns c with every optional field filled in.
func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Auth == "" {
		c.Auth = config.SCRAM
	}
	if c.ProbeEvery == 0 {
		c.ProbeEvery = time.Second
	}
	if c.ProbeLimit == 0 {
		c.ProbeLimit = 5 * time.Second
	}
	return c
}
