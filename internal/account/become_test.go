package account

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// roleVariable makes this test program one of two: a child of root's that becomes another account, tells how it went, and waits; or the child's
// parent, which is there to be killed.
const roleVariable = "BARISTA_TEST_ROLE"

// init keeps main on the first thread, as Become demands.
func init() {
	if os.Getenv(roleVariable) == "child" {
		runtime.LockOSThread()
	}
}

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case "parent":
		err = playParent()
	case "child":
		err = playChild()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func self(role string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

// playParent starts the child on its first thread, which lives as long as the process.
func playParent() error {
	runtime.LockOSThread()
	cmd := self("child")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Credential: &syscall.Credential{Groups: []uint32{0, 1}}}
	return cmd.Run()
}

func playChild() error {
	for range 10 { // that there are more threads than one
		go func() {
			runtime.LockOSThread()
			pause()
		}()
	}
	a, err := Lookup("nobody")
	if err != nil {
		return err
	}
	if err := a.Become(); err != nil {
		return err
	}
	if syscall.Setuid(0) == nil || syscall.Setgid(0) == nil || syscall.Setgroups([]int{0}) == nil {
		return errors.New("it could become root again")
	}
	if _, err := os.ReadFile("/etc/shadow"); !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("read /etc/shadow: %w", err)
	}
	if readable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || readable != 0 {
		return fmt.Errorf("others of its account can read its memory: %d, %w", readable, err)
	}
	now, err := Lookup("")
	if err != nil || now.uid != a.uid || now.Credential() != nil {
		return fmt.Errorf("it takes itself for %v, %w", now, err)
	}
	if said, err := exec.Command("id", "-u").Output(); err != nil || strings.TrimSpace(string(said)) != fmt.Sprint(a.uid) {
		return fmt.Errorf("its child runs as %s, %w", said, err)
	}
	fmt.Println("became", os.Getpid())
	pause() // until the parent's death is told
	return nil
}

// pause holds its thread until the process ends. Signals that are handled only interrupt it.
func pause() {
	for {
		_ = unix.Pause()
	}
}

func TestBecome(t *testing.T) {
	// All threads of a process of root's become the account's for good, its children too, no other process of the account can read its memory, and it is
	// told of its parent's death as before.
	someone(t)
	parent := self("parent")
	parent.Stdout = nil
	output, err := parent.StdoutPipe()
	do(t, err, parent.Start())
	defer func() { _ = parent.Wait() }() // it is killed
	defer func() { _ = parent.Process.Kill() }()
	lines := bufio.NewReader(output)
	line, err := lines.ReadString('\n')
	pid, err2 := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "became ")))
	if err != nil || err2 != nil {
		t.Fatalf("the child says %q, %v", line, err)
	}
	do(t, someone(t).checkTasks(fmt.Sprintf("/proc/%d/task", pid)))
	do(t, parent.Process.Kill())
	// The child holds the other end of the pipe as long as it lives.
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, lines)
		ended <- err
	}()
	select {
	case err := <-ended:
		do(t, err)
	case <-time.After(30 * time.Second):
		t.Error("the child outlives its parent")
		do(t, syscall.Kill(pid, syscall.SIGKILL))
	}
}

func TestBecomeOnAnotherThread(t *testing.T) {
	// Away from the first thread nothing is given up, and the error says why.
	a := someone(t)
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if unix.Gettid() == os.Getpid() {
			done <- errors.New("first thread")
			return
		}
		done <- a.Become()
	}()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "first thread") {
		t.Errorf("become: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Fatal("root's rights are gone")
	}
}

func TestCheckStatus(t *testing.T) {
	// A thread that has kept any right is found, whichever it is.
	a := Account{Name: "nobody", uid: 65534, gid: 65533}
	good := "Name:\tx\nUid:\t65534\t65534\t65534\t65534\nGid:\t65533\t65533\t65533\t65533\nGroups:\t \n" +
		"CapInh:\t0000000000000001\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\n"
	do(t, a.checkStatus([]byte(good)))
	for _, spoilt := range [][2]string{
		{"Uid:\t65534\t65534\t65534", "Uid:\t65534\t65534\t0"}, {"Gid:\t65533", "Gid:\t0"}, {"Groups:\t ", "Groups:\t0 "},
		{"CapPrm:\t0000000000000000", "CapPrm:\t0000000000000400"}, {"CapEff:\t0000000000000000", "CapEff:\t0000000000000400"},
		{"CapAmb:\t0000000000000000", "CapAmb:\t0000000000000400"}, {"CapAmb:", "CapNew:"},
	} {
		if err := a.checkStatus([]byte(strings.Replace(good, spoilt[0], spoilt[1], 1))); err == nil {
			t.Errorf("%q is not found", spoilt[1])
		}
	}
}
