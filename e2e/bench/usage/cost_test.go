package usage

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/baristadb/barista/e2e/bench/measure"
)

func TestShares(t *testing.T) {
	// A process that ended between two samples costs what its parent inherited, less what it had cost before.
	running := func(pid int, does string, cpu, buried time.Duration, switches int64) process {
		return process{measure.Process{PID: pid, CPU: cpu, Buried: buried}, Role{"n1", does}, switches}
	}
	start := time.Now()
	before := Sample{start, map[int]process{
		1: running(1, "postmaster", time.Second, 5*time.Second, 100),
		2: running(2, "client", 2*time.Second, 0, 1000),
		3: running(3, "client", time.Second, 0, 1000),
	}}
	after := Sample{start.Add(time.Minute), map[int]process{
		1: running(1, "postmaster", time.Second, 9*time.Second, 110),
		3: running(3, "client", 2*time.Second, 0, 1500),
		4: running(4, "client", 3*time.Second, 0, 70),
	}}
	elapsed, cost := Between(before, after)
	if want := (Cost{6 * time.Second, 510}); elapsed != time.Minute || cost != want {
		t.Errorf("%v in %v, want %v in a minute", cost, elapsed, want)
	}
	shares := Shares(before, after)
	if len(shares) != 3 || shares[0].Does != "client" || shares[0].CPU != 4*time.Second || shares[1].CPU != 2*time.Second {
		t.Errorf("the shares are %+v", shares)
	}
}

func TestTake(t *testing.T) {
	// A sample holds a root process and its children.
	child := exec.Command("/bin/cat")
	input, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	s, err := Take([]Root{{"us", os.Getpid()}})
	if _, found := s.processes[child.Process.Pid]; err != nil || !found || s.processes[os.Getpid()].switches == 0 {
		t.Errorf("got %+v, %v; want this process and its child %d", s, err, child.Process.Pid)
	}
	if err := input.Close(); err != nil {
		t.Error(err)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}
