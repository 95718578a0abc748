package devcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
)

// Node is one node of the cluster: its folder, and the process that runs it if Start started it.
type Node struct {
	// Config is what its node.yaml says.
	Config config.Config

	binary string

	mu      sync.Mutex // guards process
	process *process   // the last one that Start started, or nil
}

// newNode makes the node's folder with its node.yaml.
func newNode(binary string, cfg config.Config) (*Node, error) {
	if err := makeFolder(cfg.Dir, 0o711); err != nil {
		return nil, config.Mistakef("make the node's folder: %w", err)
	}
	if err := checkKept(cfg.Dir); err != nil {
		return nil, err
	}
	node := &Node{Config: cfg, binary: binary}
	pid, err := config.Holder(cfg)
	if err != nil {
		return nil, err
	}
	if pid != 0 {
		return nil, config.Mistakef("node %s already runs in %s (process %d)", cfg.Name, cfg.Dir, pid)
	}
	if err := checkPorts(cfg); err != nil {
		return nil, err
	}
	return node, node.WriteConfig()
}

// WriteConfig writes the node's node.yaml, with the rights of who decides about its folder.
func (n *Node) WriteConfig() error {
	return account.Within(n.Config.Dir, func() error { return n.Config.Write(n.ConfigFile()) })
}

// makeFolder makes the folder if it does not exist, with exactly that mode: the user that runs the server must get
// through, whatever the umask.
func makeFolder(dir string, mode os.FileMode) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	above := filepath.Dir(dir)
	if _, err := os.Stat(above); errors.Is(err, fs.ErrNotExist) {
		if err := makeFolder(above, mode); err != nil {
			return err
		}
	}
	return account.Within(above, func() error {
		if err := os.Mkdir(dir, mode); err != nil {
			return err
		}
		return os.Chmod(dir, mode)
	})
}

// checkKept refuses a folder in which somebody else can have put a node.yaml, which names programs to run: the demo's folder has the same name
// for everybody on a machine. Root does what it finds there with the rights of who put it there.
func checkKept(folder string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	own, err := account.Current()
	if err != nil {
		return err
	}
	return own.CheckKeeps(folder)
}

// ConfigFile is the path of the node's node.yaml.
func (n *Node) ConfigFile() string { return filepath.Join(n.Config.Dir, "node.yaml") }

// init runs barista init for the node.
func (n *Node) init(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, n.binary, "init", "--config", n.ConfigFile())
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	said := strings.TrimPrefix(strings.TrimSpace(string(output)), "barista: ")
	if exit, found := errors.AsType[*exec.ExitError](err); found && exit.ExitCode() == 2 {
		return config.Mistakef("%s", said)
	}
	return fmt.Errorf("make the first node: %w: %s", err, said)
}

// removeRemains removes what an interrupted init left: without a journal it is nobody's data.
func (n *Node) removeRemains() error {
	for _, path := range []string{n.Config.DataDir(), n.Config.DataDir() + ".new", n.Config.SockDir(),
		n.Config.LibDir(), n.Config.ServerLogFile()} {
		if err := account.Within(n.Config.Dir, func() error { return os.RemoveAll(path) }); err != nil {
			return fmt.Errorf("remove what an interrupted start left: %w", err)
		}
	}
	return nil
}

// Start starts the node's barista, if it does not run. It does not wait until the node serves.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil && n.process.running() {
		return nil
	}
	var log *os.File
	err := account.Within(n.Config.Dir, func() (err error) {
		log, err = os.OpenFile(n.Config.LogFile(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		return err
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Config.Name, err)
	}
	defer log.Close() // the child has its own copy
	cmd := exec.Command(n.binary, "start", "--config", n.ConfigFile())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append([]string{"GOMAXPROCS=" + strconv.Itoa(n.share())}, os.Environ()...) // the environment's own comes later, and wins
	process, err := startProcess(cmd)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Config.Name, err)
	}
	n.process = process
	return nil
}

// share is how many processors the node's barista uses at once: its part of this machine. With more, Go's threads wake each other for
// work that one could do, and pay for it with context switches.
func (n *Node) share() int { return max(1, runtime.NumCPU()/max(1, len(n.Config.Peers))) }

// Ended is closed when the process that Start started has ended. It is nil if Start was never called.
func (n *Node) Ended() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return nil
	}
	return n.process.ended
}

// Fate says how the process that Start started has ended, with the last line that it logged; nil while it runs, and
// after an orderly end.
func (n *Node) Fate() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil || n.process.running() || n.process.err == nil {
		return nil
	}
	last := "it left no log"
	_ = account.Within(n.Config.Dir, func() (err error) { // at worst there is nothing to tell
		last, err = lastLine(n.Config.LogFile())
		return err
	})
	return fmt.Errorf("%s: %w: %s", n.Config.Name, n.process.err, last)
}

// lastLine returns the last line of a log, or of its last 4 KiB.
func lastLine(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, size-4096), io.SeekStart) // at worst the whole log is read
	}
	text, err := io.ReadAll(file)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1], err
}

// PID is the process number of the barista that runs the node, whoever started it, or 0.
func (n *Node) PID() (int, error) { return config.Holder(n.Config) }

// PostmasterPID is the process number of the node's server, or 0 if its data folder names none.
func (n *Node) PostmasterPID() (int, error) {
	text, err := os.ReadFile(filepath.Join(n.Config.DataDir(), "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find the server of %s: %w", n.Config.Name, err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return 0, fmt.Errorf("find the server of %s: %w", n.Config.Name, err)
	}
	return pid, nil
}

// Stop ends the node in order, and kills it when ctx ends before. It returns when the process has ended.
func (n *Node) Stop(ctx context.Context) error {
	if err := n.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := n.awaitEnd(ctx); err == nil {
		return nil
	}
	if err := n.Kill9(); err != nil {
		return err
	}
	return fmt.Errorf("%s did not stop in time and was killed", n.Config.Name)
}

// Kill9 kills the node's barista with SIGKILL and returns when it has ended. The kernel then kills its server.
func (n *Node) Kill9() error {
	if err := n.signal(syscall.SIGKILL); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	return n.awaitEnd(ctx)
}

// Kill9Postgres kills the postmaster of the node's server with SIGKILL.
func (n *Node) Kill9Postgres() error {
	pid, err := n.PostmasterPID()
	if err != nil || pid == 0 {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill the server of %s: %w", n.Config.Name, err)
	}
	return nil
}

// Pause stops the node's barista where it stands, with SIGSTOP, and returns when all its threads stand. Its server goes on.
func (n *Node) Pause() error {
	pid, err := n.runningPID()
	if err != nil || pid == 0 {
		return err
	}
	if err := n.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitStopped(pid)
}

// Continue lets a paused barista go on.
func (n *Node) Continue() error { return n.signal(syscall.SIGCONT) }

// signal sends a signal to the barista that runs the node; there is no error if none does.
func (n *Node) signal(sig syscall.Signal) error {
	pid, err := n.runningPID()
	if err != nil || pid == 0 {
		return err
	}
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", n.Config.Name, err)
	}
	if sig == syscall.SIGTERM {
		// A paused process would not see it.
		_ = syscall.Kill(pid, syscall.SIGCONT) // it may have ended already
	}
	return nil
}

// runningPID is the process number of our own child, which may not have claimed the folder yet, or else of whoever
// has claimed it.
func (n *Node) runningPID() (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil && n.process.running() {
		return n.process.cmd.Process.Pid, nil
	}
	return config.Holder(n.Config)
}

// awaitEnd waits until no process runs the node.
func (n *Node) awaitEnd(ctx context.Context) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		pid, err := n.runningPID()
		if err != nil || pid == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-poll.C:
		}
	}
}
