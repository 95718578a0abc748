package exttest

import (
	"fmt"
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

// A crash may lose commits that were acknowledged, but only the last ones, and
// the position that survives says exactly which: applied again from the log,
// each of them is there once (rule 13).
func TestLostCommitsAreAppliedAgain(t *testing.T) {
	o := options{fixture: heldFixture, settings: []string{"wal_writer_delay=10s", "checkpoint_timeout=1h"}}
	s := startLeader(t, o)
	conn := s.connect(t)
	const commits = 300
	for i := 1; i <= commits; i++ {
		execute(t, conn, fmt.Sprintf("insert into held values (%d, %d)", 1000+i, i),
			fmt.Sprintf("update held set v = v + 1 where k = %d", 1+i%20))
		if i == commits/2 { // some of them are surely on disk
			execute(t, conn, "select pg_replication_origin_progress('barista', true)")
		}
	}
	log := s.gate.chosen()
	s.cmd.Process.Kill()
	<-s.done

	s.restart(t, o)
	survived := s.applied()
	lost := 0
	for _, p := range log {
		if p.position > survived {
			s.apply(t, p)
			lost++
		}
	}
	t.Logf("%d of %d commits were lost", lost, len(log))
	if lost == 0 || lost > len(log)/2 {
		t.Errorf("%d of %d commits were lost; the test wants some of the second half", lost, len(log))
	}
	if s.applied() != log[len(log)-1].position {
		t.Errorf("applied %v", s.applied())
	}
	reader := s.connect(t)
	if got := value(t, reader, "select count(*) || ' ' || sum(v) from held where k > 1000"); got != "300 45150" {
		t.Errorf("inserted %s", got)
	}
	if got := value(t, reader, "select sum(v) from held where k <= 20"); got != "300" {
		t.Errorf("updated %s times", got)
	}
}
