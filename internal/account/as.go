package account

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// As does something with the account's rights and no others, and returns its error: what the account has put in its folders can lead to
// nothing that the account could not do by itself. do must not start processes; goroutines that it starts have the process's own rights. A
// process that has
// called As as root for another account cannot Become any more.
func (a Account) As(do func() error) error {
	if !a.other {
		return do()
	}
	done := make(chan error, 1)
	go func() { // ends with do
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The first thread stands for the whole process, and must stay root's. While it is held here, another goroutine gets
			// another thread.
			err := a.As(do)
			runtime.UnlockOSThread()
			done <- err
			return
		}
		// Never unlocked from here on: the thread ends with the goroutine, and nobody else runs on it.
		err := a.takeThread()
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}

// Within is As for who decides about path. A process that has called it as root cannot Become any more, either.
func Within(path string, do func() error) error {
	who, err := Over(path)
	if err != nil {
		return err
	}
	return who.As(do)
}

// takeThread makes the calling thread, and no other, the account's for good.
func (a Account) takeThread() error {
	uid, gid := uintptr(a.uid), uintptr(a.gid)
	for _, call := range []struct {
		name      string
		trap      uintptr
		arguments [3]uintptr
	}{
		{"setgroups", unix.SYS_SETGROUPS, [3]uintptr{}},
		{"setresgid", unix.SYS_SETRESGID, [3]uintptr{gid, gid, gid}},
		{"setresuid", unix.SYS_SETRESUID, [3]uintptr{uid, uid, uid}},
	} {
		if _, _, errno := unix.RawSyscall(call.trap, call.arguments[0], call.arguments[1], call.arguments[2]); errno != 0 {
			return fmt.Errorf("take the rights of %s: %w", a.Name, os.NewSyscallError(call.name, errno))
		}
	}
	return nil
}
