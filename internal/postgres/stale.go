package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/baristadb/barista/internal/config"
)

// killLimit is how long killed processes may take to go; one that waits for a broken disk may take for ever.
const killLimit = 30 * time.Second

// KillStale kills every process of a server whose data folder is dataDir and waits until none is left. Backends leave
// their parent's process group, and outlive a killed postmaster until they look up from their work; but the working
// directory of each is the data folder, and that is how they are found. A person's shell in that folder is spared.
func KillStale(ctx context.Context, dataDir string) error {
	ctx, cancel := context.WithTimeout(ctx, killLimit)
	defer cancel()
	where, err := placeOf(dataDir)
	if err != nil {
		return fmt.Errorf("look for processes in the data folder: %w", err)
	}
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		pids, err := where.processes()
		if err != nil {
			return fmt.Errorf("look for processes in %s: %w", dataDir, err)
		}
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			where.kill(pid)
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("processes %v in %s do not end: %w", pids, dataDir, context.Cause(ctx))
		}
	}
}

// checkForeign reports a config.Mistake if a server that barista did not start runs in the data folder: it may be
// someone's work, and is not to be killed.
func (c Config) checkForeign() error {
	pid, err := postmasterPID(c.DataDir)
	if err != nil || pid == 0 {
		return err
	}
	where, err := placeOf(c.DataDir)
	if err != nil {
		return fmt.Errorf("look at the data folder: %w", err)
	}
	if !where.holds(pid) || !isPostgres(pid) {
		return nil // the file is left from a server that has gone, and its number may be anyone's by now
	}
	line, err := os.ReadFile(procPath(pid, "cmdline"))
	if err != nil || bytes.Contains(line, []byte("unix_socket_directories="+c.SockDir+"\x00")) {
		return nil
	}
	return config.Mistakef("a PostgreSQL server that barista did not start runs in %s (process %d): stop it first", c.DataDir, pid)
}

// postmasterPID reads the process number of the server in dataDir, or 0 if it names none.
func postmasterPID(dataDir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for a running server: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return 0, nil // written in part when the machine stopped
	}
	return pid, nil
}

// removeLocks removes the lock files of a server that has gone. They name process numbers, which after a restart of
// the machine or in a new container may be anyone's, and PostgreSQL would then refuse to start.
func (c Config) removeLocks() error {
	for _, path := range []string{
		filepath.Join(c.DataDir, "postmaster.pid"),
		c.SocketPath(),
		c.SocketPath() + ".lock",
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a lock file that a dead server left: %w", err)
		}
	}
	return nil
}
