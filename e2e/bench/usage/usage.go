// Package usage tells what groups of processes have cost the machine: processor time and context switches, read from
// /proc. A group is a root process with all its descendants.
package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/baristadb/barista/e2e/bench/measure"
)

// A Root is a process that stands for itself and all its descendants.
type Root struct {
	Name string // of what it runs: a node, a standby
	PID  int
}

// A Sample is what the processes below some roots had cost at one moment.
type Sample struct {
	at        time.Time
	processes map[int]process
}

type process struct {
	measure.Process
	role     Role
	switches int64 // of its present threads
}

// Take looks at all processes below the roots.
func Take(roots []Root) (Sample, error) {
	s := Sample{at: time.Now(), processes: map[int]process{}}
	children, err := family()
	if err != nil {
		return s, err
	}
	for _, root := range roots {
		if err := s.add(root, children); err != nil {
			return s, fmt.Errorf("look at the processes of %s: %w", root.Name, err)
		}
	}
	return s, nil
}

// add takes in a root and its descendants.
func (s Sample) add(root Root, children map[int][]measure.Process) error {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(root.PID), "stat"))
	if err != nil {
		return err
	}
	first, err := measure.ParseStat(string(text))
	if err != nil {
		return err
	}
	for queue := []measure.Process{first}; len(queue) > 0; queue = queue[1:] {
		p := process{Process: queue[0], role: Role{Of: root.Name, Does: title(queue[0])}}
		p.switches, err = switches(p.PID)
		if err != nil {
			return err
		}
		s.processes[p.PID] = p
		queue = append(queue, children[p.PID]...)
	}
	return nil
}

// family lists every process of the machine below its parent.
func family() (map[int][]measure.Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]measure.Process{}
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if hasEnded(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p, err := measure.ParseStat(string(text))
		if err != nil {
			return nil, err
		}
		children[p.Parent] = append(children[p.Parent], p)
	}
	return children, nil
}

// switches counts the context switches of a process's threads; 0 for one that has just ended.
func switches(pid int) (int64, error) {
	tasks := filepath.Join("/proc", strconv.Itoa(pid), "task")
	threads, err := os.ReadDir(tasks)
	if hasEnded(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, thread := range threads {
		text, err := os.ReadFile(filepath.Join(tasks, thread.Name(), "status"))
		if hasEnded(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		n, err := measure.ParseSwitches(string(text))
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// hasEnded reports whether err says that a process has ended while it was looked at.
func hasEnded(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// title is what the process calls itself, as far as it tells what it does.
func title(p measure.Process) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "cmdline"))
	if err != nil {
		return p.Command // it has just ended
	}
	return measure.Duty(p.Command, strings.TrimRight(strings.ReplaceAll(string(text), "\x00", " "), " "))
}
