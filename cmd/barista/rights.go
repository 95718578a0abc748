package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/node"
	"github.com/baristadb/barista/internal/postgres"
)

// Root's rights can be given up on the process's first thread only, and main runs on it if it is held from here on. takeAccount lets it go.
func init() { runtime.LockOSThread() }

// ground is what a node begins with, and as whom.
type ground struct {
	node.Options

	missing error // why Options.Extension is nil

	note string // why barista is whom it is, for errors that may come of it; empty if root did not start it
}

// explain adds to an error about rights whose rights those are.
func (g *ground) explain(err error) error {
	if g.note == "" || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w (%s)", err, g.note)
}

// needs are what a command takes root's rights for, beside the node's folder.
type needs struct {
	// secret gets the cluster's secret. It is called where root alone decides about the secret's file; elsewhere Options.Secret stays nil.
	secret func(config.Config) ([]byte, error)
	// ports says that Options.Listeners are to be opened.
	ports bool
}

// takeAccount reads the node.yaml at path. If root has started barista, this process is another account's when it returns: root's rights are given up for
// those of the account that runs the server, as soon as what takes them is done.
//
// Root obeys only what root has written. A node.yaml that another account can change is that account's word: barista becomes that account
// before it reads it, and so does nothing that the account could not do by itself.
func takeAccount(path string, n needs) (*ground, error) {
	defer runtime.UnlockOSThread()
	g := &ground{}
	// What lies beside the program is as good as the program, and is read whether or not the account can reach it.
	beside, missing := postgres.ReadExtension("")
	who, err := account.Over(path)
	if err != nil {
		return g, err
	}
	if who.IsRoot() {
		err = g.obeyRoot(path, n)
	} else {
		err = g.obey(path, who)
	}
	if err != nil {
		return g, err
	}
	switch {
	case g.Config.ExtensionDir == "":
		g.Extension, g.missing = beside, missing
	case g.Extension == nil:
		g.Extension, g.missing = postgres.ReadExtension(g.Config.ExtensionDir)
	}
	return g, nil
}

// obey takes the word of an account that is not root.
func (g *ground) obey(path string, who account.Account) error {
	if os.Geteuid() == 0 {
		g.note = fmt.Sprintf("started as root, barista runs as %s, who can change %s", who.Name, path)
	}
	err := who.Become()
	if err != nil {
		return err
	}
	if g.Config, err = config.Load(path); err != nil || g.note == "" {
		return err
	}
	if _, err := account.Lookup(g.Config.OSUser); err != nil {
		return config.Mistakef("%w (%s)", err, g.note)
	}
	return checkRemains(g.Config, who)
}

// obeyRoot does what takes root's rights, and becomes the account that runs the server.
func (g *ground) obeyRoot(path string, n needs) (err error) {
	if g.Config, err = config.Load(path); err != nil {
		return err
	}
	runs, err := account.Lookup(g.Config.OSUser)
	if err != nil {
		return err
	}
	g.note = "started as root, barista runs as " + runs.Name
	if dir := g.Config.ExtensionDir; dir != "" && account.IsRoots(filepath.Join(dir, "barista.so")) && account.IsRoots(filepath.Join(dir, "bootstrap.sql")) {
		if g.Extension, err = postgres.ReadExtension(dir); err != nil {
			return err
		}
	}
	if err := account.MakeFolder(g.Config.Dir, 0o711); err != nil {
		return config.Mistakef("make the node's folder: %w", err)
	}
	if account.IsRoots(g.Config.SecretFile) {
		if g.Secret, err = n.secret(g.Config); err != nil {
			return err
		}
	}
	if err := g.openPorts(path, n, runs); err != nil {
		return err
	}
	if err := giveNode(g.Config, path, runs); err != nil {
		return err
	}
	if err := runs.Become(); err != nil {
		return err
	}
	return checkRemains(g.Config, runs)
}

// openPorts opens those that the account could not open.
func (g *ground) openPorts(path string, n needs, runs account.Account) error {
	g.Listeners = map[string]*net.TCPListener{}
	for _, address := range []string{g.Config.PG, g.Config.HTTP, g.Config.Peer} {
		if !privileged(address) {
			continue
		}
		if inFolder(path, g.Config.Dir) {
			return config.Mistakef("only root may listen on %s, and %s will be %s's word, because that is given the folder: put the file where only root can change it, and let it name dir",
				address, path, runs.Name)
		}
		if !n.ports {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return config.Mistakef("listen: %w", err)
		}
		g.Listeners[address] = l.(*net.TCPListener) // that is what "tcp" gives
	}
	return nil
}

// privileged reports whether the kernel lets only root listen on an address.
func privileged(address string) bool {
	first := 1024
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			first = n
		}
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false // an empty one
	}
	n, err := strconv.Atoi(port)
	return err == nil && n < first
}

// giveNode gives the node's folder to the account. If node.yaml lies in it, that is the account's word from then on, and the account
// must be able to read the secret.
func giveNode(cfg config.Config, path string, runs account.Account) error {
	pid, err := config.Holder(cfg)
	if err != nil {
		return err
	}
	if pid != 0 {
		return config.Mistakef("%s (process %d): %w", cfg.PIDFile(), pid, config.ErrClaimed)
	}
	inside := inFolder(path, cfg.Dir)
	known := func(name string) bool { return cfg.Belongs(name) || inside && name == filepath.Base(path) }
	if err := runs.Give(cfg.Dir, known); err != nil || !inside {
		return err
	}
	return runs.GiveFile(cfg.SecretFile)
}

// inFolder reports whether the file lies in the folder itself.
func inFolder(file, folder string) bool {
	of, err := os.Stat(filepath.Dir(file))
	if err != nil {
		return false
	}
	is, err := os.Stat(folder)
	return err == nil && os.SameFile(of, is)
}

// checkRemains finds that the node's folder is the account's alone, and what earlier versions, which did everything as root, have left in one that is
// not root's: root gives nothing away there, since the account may have put it in its place.
func checkRemains(cfg config.Config, runs account.Account) error {
	if err := runs.CheckKeeps(cfg.Dir); err != nil {
		return err
	}
	for _, path := range []string{cfg.Dir, cfg.JournalDir(), cfg.DataDir(), cfg.SockDir(), cfg.LibDir(), cfg.PIDFile(), cfg.ServerLogFile()} {
		who, err := account.OwnerOf(path)
		if err != nil || !who.IsRoot() {
			continue // what is missing is made, and who cannot look at something will say so
		}
		return config.Mistakef("%[1]s belongs to root, in a folder that others can change: look that it is a node's, and give it to %[2]s with what is in it (chown -h %[2]s)",
			path, runs.Name)
	}
	return nil
}
