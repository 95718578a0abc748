package devcluster

import (
	"os/exec"
	"runtime"
	"syscall"
)

// A process is a child of this program. After ended is closed, err says how it ended.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error
}

// startProcess starts the command in a process group of its own, so that the terminal's Ctrl-C reaches this program
// alone. When this program dies, the kernel tells the child to end; it does so when the *thread* that forked is gone,
// and therefore the goroutine keeps its thread until the child has ended. Nothing else stops it; whoever needs to
// waits on ended.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread goes when the goroutine does
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}
