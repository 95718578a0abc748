package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrClaimed is the cause of a failed Claim when a living process holds the folder.
var ErrClaimed = errors.New("a barista process already runs there")

// Claim takes possession of the node's folder and writes this process's id into its PID file. Two processes on one
// folder would each kill the other's server and write one journal: when another process has it, the error is a
// Mistake around ErrClaimed. The claim ends with release, which removes the PID file, or with the process, however
// that ends.
func Claim(c Config) (release func() error, err error) {
	path := c.PIDFile()
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, Mistakef("claim the node's folder: %w", err)
		}
		if err := lock(file, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
			pid, _ := readPID(file)
			file.Close()
			if errors.Is(err, unix.EAGAIN) {
				return nil, Mistakef("%s (process %d): %w", path, pid, ErrClaimed)
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		// The last holder may have removed the file between our open and our lock: then our lock is on a
		// file that nobody else will ever find, and we begin again.
		if !stillThere(file, path) {
			file.Close()
			continue
		}
		if err := writePID(file); err != nil {
			file.Close()
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
		return func() error { return errors.Join(os.Remove(path), file.Close()) }, nil
	}
}

// lock calls fcntl for a lock on the whole file. The lock belongs to the open file, not to the process, so that
// closing another descriptor of the same file does not lose it, and no child inherits it (Go opens with O_CLOEXEC).
func lock(file *os.File, command int, l *unix.Flock_t) error {
	return unix.FcntlFlock(file.Fd(), command, l)
}

func stillThere(file *os.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(opened, named)
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func readPID(file *os.File) (int, error) {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 32))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// Holder returns the id of the living process that has claimed the node's folder, or 0 if there is none.
func Holder(c Config) (int, error) {
	path := c.PIDFile()
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for the node's process: %w", err)
	}
	defer file.Close()
	probe := unix.Flock_t{Type: unix.F_WRLCK}
	if err := lock(file, unix.F_OFD_GETLK, &probe); err != nil {
		return 0, fmt.Errorf("look for the node's process: %s: %w", path, err)
	}
	if probe.Type == unix.F_UNLCK {
		return 0, nil
	}
	pid, err := readPID(file)
	if err != nil {
		return 0, fmt.Errorf("look for the node's process: %s: %w", path, err)
	}
	if err := checkOwner(pid, file); err != nil {
		return 0, fmt.Errorf("look for the node's process: %s: %w", path, err)
	}
	return pid, nil
}

// checkOwner finds that a process belongs to the owner of the file that names it: who may write a PID file could otherwise have root end
// any process.
func checkOwner(pid int, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil // it has just ended
	}
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid // on Linux it always is one
	_, rest, _ := strings.Cut(string(status), "\nUid:")
	if real, _, _ := strings.Cut(strings.TrimSpace(rest), "\t"); real != strconv.FormatUint(uint64(owner), 10) {
		return fmt.Errorf("process %d is of user %s, and the file that names it of user %d", pid, real, owner)
	}
	return nil
}
