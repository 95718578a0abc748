package contender

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Programs is the folder of PostgreSQL's programs.
type Programs string

// Command prepares a program in the locale C, so that what it prints can be read. When ctx ends it is told to end.
func (p Programs) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(string(p), name), args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// Run runs a prepared program to its end and returns all that it wrote. A failure's text is what PostgreSQL's programs say of an error.
func Run(cmd *exec.Cmd) (string, error) {
	output, err := cmd.CombinedOutput()
	if err != nil {
		return string(output), fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, complaint(string(output)))
	}
	return string(output), nil
}

// complaint returns the lines from the last error on, or else the last line.
func complaint(text string) string {
	if at := strings.LastIndex(text, " error: "); at >= 0 {
		return strings.Join(strings.Fields(text[at+len(" error: "):]), " ")
	}
	return lastLine(text)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// A daemon is a program that runs until it is stopped or this program dies. After ended is closed, err says how it
// ended.
type daemon struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error
}

// startDaemon starts a program in the background. The kernel kills it when the thread that started it is gone, and so
// its goroutine keeps the thread until the program has ended; stop, or the program's own end, ends both.
func startDaemon(cmd *exec.Cmd) (*daemon, error) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	d := &daemon{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread goes when the goroutine does
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		d.err = cmd.Wait()
		close(d.ended)
	}()
	return d, <-started
}

// stop sends the signal, waits for the end until ctx ends, and kills the program then.
func (d *daemon) stop(ctx context.Context, signal syscall.Signal) {
	// An error means that it has ended.
	_ = d.cmd.Process.Signal(signal)
	select {
	case <-d.ended:
	case <-ctx.Done():
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
}
