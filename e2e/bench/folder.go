package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/baristadb/barista/internal/config"
)

// The file systems without a disk, by the numbers that statfs(2) has for them.
const (
	tmpfs = 0x01021994
	ramfs = 0x858458f6
)

// makeFolder makes a folder for one measurement, that PostgreSQL's user can enter. Its path is short, since a unix
// socket's may have 107 bytes. The caller removes it.
func makeFolder(in string) (string, error) {
	in, err := filepath.Abs(in)
	if err != nil {
		return "", err
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(in, &fs); err != nil {
		return "", config.Mistakef("--dir %s: %w", in, err)
	}
	if fs.Type == tmpfs || fs.Type == ramfs {
		return "", config.Mistakef("--dir %s is in memory, where nothing waits for a disk: name a folder on one", in)
	}
	dir, err := os.MkdirTemp(in, "bench-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the measurement: %w", err)
	}
	return dir, os.Chmod(dir, 0o755)
}
