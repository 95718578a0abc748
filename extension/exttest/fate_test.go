package exttest

import (
	"strconv"
	"syscall"
	"testing"
)

// A dead postmaster leaves no backend, not even one that waits at the gate.
func TestBackendsDieWithThePostmaster(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	s.gate.hold()
	writer, idle := s.connect(t), s.connect(t)
	var pids []int
	for _, conn := range []string{value(t, writer, "pg_backend_pid()"), value(t, idle, "pg_backend_pid()")} {
		pid, err := strconv.Atoi(conn)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	commit := begin(t, writer, "update held set v = 1 where k = 1")
	s.gate.next(t)
	s.cmd.Process.Kill()
	commit.wait()
	for _, pid := range pids {
		eventually(t, "the backend is gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
	}
	<-s.done
}

// A server that is told to stop while a change set is in doubt waits a while
// for the outcome, closes the epoch, and says that it does not know.
func TestStopWhileInDoubt(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	s.gate.hold()
	commit := begin(t, s.connect(t), "update held set v = 1 where k = 1")
	s.gate.next(t)
	s.cmd.Process.Signal(syscall.SIGINT) // fast shutdown
	if state := commit.wait(); state != "08007" {
		t.Errorf("commit: %s", state)
	}
	<-s.done
	if s.get(fieldClosed) != 1 {
		t.Errorf("the epoch is still open")
	}
}

// A backend that dies at the gate takes the server with it, and with that
// everyone who waits for its row: nobody works on top of an old version.
func TestKilledAtTheGate(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	s.gate.hold()
	writer := s.connect(t)
	pid, err := strconv.Atoi(value(t, writer, "pg_backend_pid()"))
	if err != nil {
		t.Fatal(err)
	}
	commit := begin(t, writer, "update held set v = 1 where k = 1")
	s.gate.next(t)
	next := begin(t, s.connect(t), "update held set v = 1 where k = 1")
	syscall.Kill(pid, syscall.SIGKILL)
	if commit.wait() == "" || next.wait() == "" {
		t.Errorf("someone committed")
	}
	<-s.done
}
