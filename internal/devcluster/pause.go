package devcluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// pauseLimit is how long the threads of a process may take to stop.
const pauseLimit = 10 * time.Second

// awaitStopped waits until no thread of a process that was sent SIGSTOP runs any more. The signal is taken by one thread, which then stops
// the others; on a busy machine one of those may meanwhile answer a message.
func awaitStopped(pid int) error {
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for limit := time.Now().Add(pauseLimit); time.Now().Before(limit); <-poll.C {
		running, err := runningThreads(pid)
		if err != nil || running == 0 {
			return err
		}
	}
	return fmt.Errorf("process %d does not stop", pid)
}

// runningThreads counts the threads whose state in /proc is neither stopped nor dead.
func runningThreads(pid int) (int, error) {
	files, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "stat"))
	if err != nil {
		return 0, err
	}
	running := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		state := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(state) > 0 && !bytes.ContainsAny(state[0], "TtZX") {
			running++
		}
	}
	return running, nil
}
