package usage

import (
	"os"
	"path/filepath"
	"strconv"
)

// Roles tells the role of a process by its number, and of a thread by the number of its own.
type Roles map[int]Role

// FindRoles returns the roles of all processes below the roots and of their threads.
func FindRoles(roots []Root) (Roles, error) {
	sample, err := Take(roots)
	if err != nil {
		return nil, err
	}
	roles := Roles{}
	for pid, p := range sample.processes {
		roles[pid] = p.role
		threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
		if hasEnded(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, thread := range threads {
			if tid, err := strconv.Atoi(thread.Name()); err == nil {
				roles[tid] = p.role
			}
		}
	}
	return roles, nil
}
