package postgres

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A process that was stopped by a signal does nothing until another one lets it go on, whatever locks it holds. The kernel says so in its state, and
// says it of no process that merely waits for a processor or a disk; so a server is known to be frozen within a second, and a busy one is
// never taken for it. (One that a debugger holds is in another state, and is spared.)
const (
	frozenLook  = 250 * time.Millisecond
	frozenLooks = 4 // in so many looks in a row a process was found stopped: then the server counts as frozen
)

// watchFrozen looks at the server's processes until ctx ends, and kills the server when it is frozen. Looks are counted, and not the time
// between them: a machine that stood still stopped this process as well.
func (s *Server) watchFrozen(ctx context.Context) {
	beat := time.NewTicker(frozenLook)
	defer beat.Stop()
	for found := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		pid := s.stopped()
		if pid == 0 {
			found = 0
			continue
		}
		if found++; found == frozenLooks {
			s.becauseOf(fmt.Errorf("%w: its process %d was stopped by a signal", ErrHung, pid))
			s.Kill()
			return
		}
	}
}

// stopped returns a process of the server that is stopped by a signal; 0 if there is none. It looks at the postmaster and at the backend that answers
// probes, and at all others only when there is a reason: a server may have hundreds.
func (s *Server) stopped() int {
	for _, pid := range []int{s.PID(), int(s.probed.Load())} {
		if state, _ := processState(pid); state == stoppedState {
			return pid
		}
	}
	if s.config.Suspect == nil || !s.config.Suspect() {
		return 0
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0 // the probes go on
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if state, parent := processState(pid); state == stoppedState && parent == s.PID() {
			return pid
		}
	}
	return 0
}

const stoppedState = 'T'

// processState reads the state of a process and the number of its parent; 0 when there is no such process any more.
func processState(pid int) (state byte, parent int) {
	if pid <= 0 {
		return 0, 0
	}
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // a name may hold anything
	if len(fields) < 2 {
		return 0, 0
	}
	parent, err = strconv.Atoi(string(fields[1]))
	if err != nil {
		return 0, 0
	}
	return fields[0][0], parent
}
