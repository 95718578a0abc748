package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/baristadb/barista/internal/config"
)

// A child is a process that dies with barista. After ended is closed, err says how it ended (nil: exit status 0).
type child struct {
	process *os.Process
	ended   chan struct{}
	err     error
}

// startChild starts the command. The kernel sends the parent-death signal when the *thread* that forked is gone, not
// the process; so the goroutine that starts the child keeps its thread until the child has ended. It is stopped by
// nothing else, and its caller waits for it on ended.
func startChild(cmd *exec.Cmd) (*child, error) {
	c := &child{ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread goes when the goroutine does
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		c.process = cmd.Process
		started <- nil
		c.err = cmd.Wait()
		close(c.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

// command prepares one of PostgreSQL's programs to be run under the server's account in a clean environment.
func (c Config) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.Bin, program), args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + c.Bin + ":/usr/local/bin:/usr/bin:/bin", "LC_ALL=" + locale, "TZ=UTC", "HOME=/"}
	if tmp := os.Getenv("TMPDIR"); tmp != "" {
		cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// A group of its own: the terminal's Ctrl-C reaches barista only, which stops its children in order.
		Setpgid: true,
		// One fate: the kernel kills the child when barista's thread that started it is gone (see child).
		Pdeathsig:  syscall.SIGKILL,
		Credential: c.Account.Credential(),
	}
	return cmd
}

// endGrace is how long a program that was told to end may take before it is killed.
const endGrace = 5 * time.Second

// run runs a command to its end and returns what it wrote. When ctx ends, the command is told to end and run returns
// ctx's error. A failure's text is the command's last line.
func run(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = time.Second // a grandchild may hold the pipe open
	started, err := startChild(cmd)
	if err != nil {
		return "", err
	}
	select {
	case <-started.ended:
	case <-ctx.Done():
		endGroup(started)
		return output.String(), fmt.Errorf("%s: %w", filepath.Base(cmd.Path), context.Cause(ctx))
	}
	if started.err != nil {
		return output.String(), fmt.Errorf("%s: %w", filepath.Base(cmd.Path), failure(output.String(), started.err))
	}
	return output.String(), nil
}

// endGroup ends the child and its own children, politely first.
func endGroup(c *child) {
	group := -c.process.Pid
	// An error means that nobody is left in the group.
	_ = syscall.Kill(group, syscall.SIGTERM)
	grace := time.NewTimer(endGrace)
	defer grace.Stop()
	select {
	case <-c.ended:
	case <-grace.C:
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-c.ended
}

// failure turns a program's output and its end into one error of one line.
func failure(output string, end error) error {
	if strings.Contains(output, syscall.ENOSPC.Error()) || strings.Contains(output, "No space left on device") {
		return config.Mistakef("%w: %s", syscall.ENOSPC, lastWords(output))
	}
	if words := lastWords(output); words != "" {
		return fmt.Errorf("%w: %s", end, words)
	}
	return end
}

// errorMarks are how PostgreSQL's programs begin what went wrong.
var errorMarks = []string{"PANIC:", "FATAL:", "ERROR:", "error:"}

// lastWords is the line of a program's output that tells best why it failed: the last that names an error, or else
// the last at all.
func lastWords(output string) string {
	var last, lastError string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		last = line
		for _, mark := range errorMarks {
			if strings.Contains(line, mark) {
				lastError = line
			}
		}
	}
	if lastError != "" {
		return lastError
	}
	return last
}

// tail reads the end of the file from offset on, at most limit bytes of it.
func tail(path string, offset, limit int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	offset = max(offset, size-limit)
	text := make([]byte, max(0, size-offset))
	n, err := file.ReadAt(text, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return string(text[:n]), nil
}
