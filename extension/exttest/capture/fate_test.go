package capture

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// A dead postmaster leaves no backend, not even one that waits at the gate.
func TestBackendsDieWithThePostmaster(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	s.Gate.Hold()
	writer, idle := s.Connect(t), s.Connect(t)
	var pids []int
	for _, conn := range []string{harness.Value(t, writer, "pg_backend_pid()"), harness.Value(t, idle, "pg_backend_pid()")} {
		pid, err := strconv.Atoi(conn)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	commit := harness.Begin(t, writer, "update held set v = 1 where k = 1")
	s.Gate.Next(t)
	s.Cmd.Process.Kill()
	commit.Wait()
	for _, pid := range pids {
		harness.Eventually(t, "the backend is gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
	}
	<-s.Done
}

// A server that is told to stop while a change set is in doubt waits a while
// for the outcome, closes the epoch, and says that it does not know.
func TestStopWhileInDoubt(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	s.Gate.Hold()
	commit := harness.Begin(t, s.Connect(t), "update held set v = 1 where k = 1")
	s.Gate.Next(t)
	s.Cmd.Process.Signal(syscall.SIGINT) // fast shutdown
	if state := commit.Wait(); state != "08007" {
		t.Errorf("commit: %s", state)
	}
	<-s.Done
	if s.Get(harness.FieldClosed) != 1 {
		t.Errorf("the epoch is still open")
	}
}

// A backend that dies at the gate takes the server with it, and with that
// everyone who waits for its row: nobody works on top of an old version.
func TestKilledAtTheGate(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	s.Gate.Hold()
	writer := s.Connect(t)
	pid, err := strconv.Atoi(harness.Value(t, writer, "pg_backend_pid()"))
	if err != nil {
		t.Fatal(err)
	}
	commit := harness.Begin(t, writer, "update held set v = 1 where k = 1")
	s.Gate.Next(t)
	next := harness.Begin(t, s.Connect(t), "update held set v = 1 where k = 1")
	syscall.Kill(pid, syscall.SIGKILL)
	if commit.Wait() == "" || next.Wait() == "" {
		t.Errorf("someone committed")
	}
	<-s.Done
}

// A crash may lose commits that were acknowledged, but only the last ones, and
// the position that survives says exactly which: applied again from the log,
// each of them is there once (rule 13).
func TestLostCommitsAreAppliedAgain(t *testing.T) {
	o := harness.Options{Fixture: heldFixture, Settings: []string{"wal_writer_delay=10s", "checkpoint_timeout=1h"}}
	s := harness.StartLeader(t, o)
	conn := s.Connect(t)
	const commits = 300
	for i := 1; i <= commits; i++ {
		harness.Execute(t, conn, fmt.Sprintf("insert into held values (%d, %d)", 1000+i, i),
			fmt.Sprintf("update held set v = v + 1 where k = %d", 1+i%20))
		if i == commits/2 { // some of them are surely on disk
			harness.Execute(t, conn, "select pg_replication_origin_progress('barista', true)")
		}
	}
	log := s.Gate.Chosen()
	s.Cmd.Process.Kill()
	<-s.Done

	s.Restart(t, o)
	survived := s.Applied()
	lost := 0
	for _, p := range log {
		if p.Position > survived {
			s.Apply(t, p)
			lost++
		}
	}
	t.Logf("%d of %d commits were lost", lost, len(log))
	if lost == 0 || lost > len(log)/2 {
		t.Errorf("%d of %d commits were lost; the test wants some of the second half", lost, len(log))
	}
	if s.Applied() != log[len(log)-1].Position {
		t.Errorf("applied %v", s.Applied())
	}
	reader := s.Connect(t)
	if got := harness.Value(t, reader, "select count(*) || ' ' || sum(v) from held where k > 1000"); got != "300 45150" {
		t.Errorf("inserted %s", got)
	}
	if got := harness.Value(t, reader, "select sum(v) from held where k <= 20"); got != "300" {
		t.Errorf("updated %s times", got)
	}
}
