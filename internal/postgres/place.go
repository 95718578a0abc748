package postgres

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A place is a data folder as processes are seen in it: their working directory is the folder, or one of that name
// that has been removed under them.
type place struct {
	path   string      // without symbolic links
	folder os.FileInfo // nil if there is no such folder now
}

func placeOf(dataDir string) (place, error) {
	parent, err := filepath.EvalSymlinks(filepath.Dir(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		parent, err = filepath.Dir(dataDir), nil
	}
	if err != nil {
		return place{}, err
	}
	p := place{path: filepath.Join(parent, filepath.Base(dataDir))}
	p.folder, err = os.Stat(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		p.folder, err = nil, nil
	}
	return p, err
}

// kill kills the process if it still is what processes saw: os.FindProcess holds on to the process itself, so between
// the second look and the signal its number cannot pass to another.
func (p place) kill(pid int) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	// An error means that it has gone, or that it is not ours; KillStale looks again either way.
	defer func() { _ = process.Release() }()
	if p.holds(pid) {
		_ = process.Kill()
	}
}

// processes lists the server processes in the place.
func (p place) processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() || !p.holds(pid) {
			continue
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// holds reports whether the process is part of the server in the place: a postgres program, or something that one
// started (an archive command, the program of a COPY), which runs as the folder's owner without a terminal.
func (p place) holds(pid int) bool {
	dir, err := os.Readlink(procPath(pid, "cwd"))
	if err != nil {
		return false
	}
	if dir == p.path+" (deleted)" {
		return isPostgres(pid)
	}
	if p.folder == nil {
		return false
	}
	now, err := os.Stat(procPath(pid, "cwd"))
	if err != nil || !os.SameFile(now, p.folder) {
		return false
	}
	return isPostgres(pid) || sameOwner(pid, p.folder) && !hasTerminal(pid)
}

func procPath(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

func isPostgres(pid int) bool {
	program, err := os.Readlink(procPath(pid, "exe"))
	return err == nil && filepath.Base(strings.TrimSuffix(program, " (deleted)")) == "postgres"
}

func sameOwner(pid int, folder os.FileInfo) bool {
	process, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	return err == nil && ownerOf(process) == ownerOf(folder)
}

// ownerOf returns the user id of a file's owner.
func ownerOf(info os.FileInfo) uint32 {
	return info.Sys().(*syscall.Stat_t).Uid // on Linux it always is one
}

// hasTerminal reads the field tty_nr of /proc/PID/stat, the fifth after the command's closing parenthesis.
func hasTerminal(pid int) bool {
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return false
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	return len(fields) > 4 && string(fields[4]) != "0"
}
