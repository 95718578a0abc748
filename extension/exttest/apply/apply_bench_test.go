package apply

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// BenchmarkApply measures what a follower spends on a row change: pgbench's
// transactions one by one and in batches, and large statements. Run it with
// -benchtime 1x.
func BenchmarkApply(b *testing.B) {
	p := &harness.Pair{Leader: harness.StartServer(b, harness.Options{Settings: []string{"shared_buffers=256MB"}}),
		Follower: harness.StartServer(b, harness.Options{Settings: []string{"shared_buffers=256MB"}})}
	p.Leader.Open(harness.FirstEpoch)
	harness.Pgbench(b, p.Leader, "-i", "-q", "-s", "4")
	p.Run(b, "create table bulk (k int primary key, n int, v text)")

	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("tpcb/batch=%d", size), func(b *testing.B) {
			for b.Loop() {
				harness.Pgbench(b, p.Leader, "-n", "-M", "prepared", "-c", "4", "-t", "3000")
				measure(b, p, size)
			}
		})
	}
	for _, c := range []struct{ name, sql string }{
		{"insert", "insert into bulk select i, 0, md5(i::text) from generate_series(1, 200000) i"},
		{"update", "update bulk set n = n + 1"},
		{"update key", "update bulk set k = k + 1000000"},
		{"delete", "delete from bulk"},
	} {
		b.Run("bulk/"+c.name, func(b *testing.B) {
			for b.Loop() {
				harness.Execute(b, p.Leader.Connect(b), c.sql)
				measure(b, p, 1)
			}
		})
	}
	p.Same(b)
}

// measure applies what the follower has not seen, some change sets at a time,
// and reports the time for each row change and each change set.
func measure(b *testing.B, p *harness.Pair, size int) {
	b.Helper()
	ctx := context.Background()
	conn, err := p.Follower.Dial(ctx, "barista", "postgres", "search_path", "pg_catalog", "TimeZone", "UTC",
		"DateStyle", "ISO, MDY", "IntervalStyle", "postgres", "extra_float_digits", "3", "lc_monetary", "C", "client_min_messages", "error")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	log := p.Leader.Gate.Chosen()
	if env := pauseForProfile; env != nil {
		env(conn.PgConn().PID())
	}
	sets := len(log) - p.Applied
	var changes, total int64
	start := time.Now()
	for p.Applied < len(log) {
		var batch changeset.Batch
		batch.Begin(p.Follower.Applied())
		n := min(size, len(log)-p.Applied)
		for _, proposal := range log[p.Applied : p.Applied+n] {
			batch.Set(proposal.Set.Timestamp, proposal.Set.Timestamp)
			batch.Payload(proposal.Set.Payload)
		}
		batch.End(log[p.Applied+n-1].Position)
		if err := conn.QueryRow(ctx, "select barista_apply($1)", batch.Bytes()).Scan(&changes); err != nil {
			b.Fatal(err)
		}
		total += changes
		p.Applied += n
	}
	spent := time.Since(start)
	b.ReportMetric(float64(spent.Nanoseconds())/float64(total), "ns/change")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(sets), "ns/set")
}

// pauseForProfile, if set, is told the server process that applies.
var pauseForProfile func(pid uint32)
