package clients

import (
	"net"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/baristadb/barista/e2e/harness"
)

// failedTransactions is how pgbench counts transactions that the server refused.
var failedTransactions = regexp.MustCompile(`number of failed transactions: (\d+)`)

func TestPgbench(t *testing.T) {
	// pgbench runs through a node that does not lead without an error, and leaves all nodes identical and their sums equal.
	c := harness.SharedCluster(t)
	const scale, seconds = "10", "20"
	follower := c.Follower(t)
	host, port, _ := net.SplitHostPort(c.Node(follower).Config.PG)
	pgbench := func(args ...string) string {
		args = append(args, "-h", host, "-p", port, "-U", "postgres", "postgres")
		status, out, errs := harness.RunProgram(t, 3*time.Minute, harness.NeedTool(t, "pgbench"), args...)
		if status != 0 {
			t.Fatalf("pgbench %v: status %d\n%s%s", args, status, out, errs)
		}
		return out
	}
	pgbench("-i", "-q", "-s", scale)
	out := pgbench("-n", "-c", "8", "-j", "2", "-T", seconds, "-M", "prepared")
	t.Log(out)
	if failed := failedTransactions.FindStringSubmatch(out); failed == nil || failed[1] != "0" {
		t.Errorf("not all transactions were processed:\n%s", out)
	}
	c.VerifyAll(t)
	const sums = `SELECT ARRAY[(SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches),
		(SELECT sum(tbalance) FROM pgbench_tellers), (SELECT sum(delta) FROM pgbench_history)]::text[]`
	rows := int64(0)
	for _, k := range c.All() {
		conn := c.Local(t, k)
		got := harness.One[[]string](t, conn, sums)
		if got[0] != got[1] || got[1] != got[2] || got[2] != got[3] {
			t.Errorf("n%d: the sums of accounts, branches, tellers and history are %v", k, got)
		}
		rows = harness.One[int64](t, conn, "SELECT count(*) FROM pgbench_history")
	}
	if rows == 0 {
		t.Error("pgbench wrote " + strconv.FormatInt(rows, 10) + " rows")
	}
}
