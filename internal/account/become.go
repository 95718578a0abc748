package account

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Become makes this process the account's for good: each of its threads, with real, effective and saved ids, without further groups and
// without capabilities. It is called once, on the process's first thread. After an error the process may be anything, and has to end.
//
// The kernel then also makes the process unreadable for others: whoever else runs under the account, such as the server's children, can
// neither trace it nor read its memory. And it forgets with which signal a parent's death is to be told, which Become therefore sets again.
func (a Account) Become() error {
	if !a.other {
		return nil
	}
	if err := a.mayRun(); err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("give up root's rights for those of %s: %w", a.Name, err) }
	death, err := deathSignal()
	if err != nil {
		return fail(err)
	}
	uid, gid := int(a.uid), int(a.gid)
	for _, step := range []func() error{ // each is for all threads
		func() error { return syscall.Setgroups(nil) },
		func() error { return syscall.Setresgid(gid, gid, gid) },
		func() error { return syscall.Setresuid(uid, uid, uid) },
		death.restore,
		a.checkThreads,
	} {
		if err := step(); err != nil {
			return fail(err)
		}
	}
	return nil
}

// A parentDeath is what happens to this process when its parent ends.
type parentDeath struct {
	signal syscall.Signal // 0: nothing
	parent int
}

// deathSignal reads it. It belongs to a thread, and a new process has it on its first.
func deathSignal() (parentDeath, error) {
	if unix.Gettid() != os.Getpid() {
		return parentDeath{}, errors.New("this is not the process's first thread")
	}
	var signal int32 // a C int
	if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&signal)), 0); errno != 0 {
		return parentDeath{}, os.NewSyscallError("prctl", errno)
	}
	return parentDeath{signal: syscall.Signal(signal), parent: os.Getppid()}, nil
}

// restore sets it again. A parent that ended meanwhile cannot tell any more, and so this process tells itself.
func (p parentDeath) restore() error {
	if p.signal == 0 {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(p.signal), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	if os.Getppid() != p.parent {
		return syscall.Kill(os.Getpid(), p.signal)
	}
	return nil
}

// exitLimit is how long a thread may take to end.
const exitLimit = 5 * time.Second

// checkThreads finds that no thread has kept any of root's rights, whatever the environment was: a securebit may keep capabilities. The C
// library passes over a thread that is ending, which is gone a moment later.
func (a Account) checkThreads() error {
	for limit := time.Now().Add(exitLimit); ; time.Sleep(time.Millisecond) {
		if err := a.checkTasks("/proc/self/task"); err == nil || time.Now().After(limit) {
			return err
		}
	}
}

// checkTasks looks at the threads that a folder of /proc lists.
func (a Account) checkTasks(dir string) error {
	files, err := filepath.Glob(dir + "/*/status")
	if err != nil || len(files) == 0 {
		return errors.New("/proc, where the rights of a process can be seen, is missing")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			return err
		}
		if err := a.checkStatus(text); err != nil {
			return err
		}
	}
	return nil
}

// checkStatus reads the lines of proc(5)'s status that tell of rights.
func (a Account) checkStatus(text []byte) error {
	ids := func(id uint32) string { return fmt.Sprintf("%d %[1]d %[1]d %[1]d", id) }
	want := map[string]string{"Uid": ids(a.uid), "Gid": ids(a.gid), "Groups": ""}
	for _, set := range []string{"CapPrm", "CapEff", "CapAmb"} {
		want[set] = "0000000000000000"
	}
	for line := range bytes.Lines(text) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if wanted, found := want[string(name)]; found {
			if got := string(bytes.Join(bytes.Fields(value), []byte(" "))); got != wanted {
				return fmt.Errorf("a thread has %s %s, and should have %q", name, got, wanted)
			}
			delete(want, string(name))
		}
	}
	if len(want) > 0 {
		return errors.New("/proc does not tell all rights of a thread")
	}
	return nil
}
