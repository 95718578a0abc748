package exttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/changeset"
)

// BenchmarkApply measures what a follower spends on a row change: pgbench's
// transactions one by one and in batches, and large statements. Run it with
// -benchtime 1x.
func BenchmarkApply(b *testing.B) {
	p := &pair{leader: startServer(b, options{settings: []string{"shared_buffers=256MB"}}),
		follower: startServer(b, options{settings: []string{"shared_buffers=256MB"}})}
	p.leader.open(firstEpoch)
	pgbench(b, p.leader, "-i", "-q", "-s", "4")
	p.run(b, "create table bulk (k int primary key, n int, v text)")

	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("tpcb/batch=%d", size), func(b *testing.B) {
			for b.Loop() {
				pgbench(b, p.leader, "-n", "-M", "prepared", "-c", "4", "-t", "3000")
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
				execute(b, p.leader.connect(b), c.sql)
				measure(b, p, 1)
			}
		})
	}
	p.same(b)
}

// measure applies what the follower has not seen, some change sets at a time,
// and reports the time for each row change and each change set.
func measure(b *testing.B, p *pair, size int) {
	b.Helper()
	ctx := context.Background()
	conn, err := p.follower.dial(ctx, "barista", "postgres", "search_path", "pg_catalog", "TimeZone", "UTC",
		"DateStyle", "ISO, MDY", "IntervalStyle", "postgres", "extra_float_digits", "3", "lc_monetary", "C", "client_min_messages", "error")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	log := p.leader.gate.chosen()
	if env := pauseForProfile; env != nil {
		env(conn.PgConn().PID())
	}
	sets := len(log) - p.applied
	var changes, total int64
	start := time.Now()
	for p.applied < len(log) {
		var batch changeset.Batch
		batch.Begin(p.follower.applied())
		n := min(size, len(log)-p.applied)
		for _, proposal := range log[p.applied : p.applied+n] {
			batch.Set(proposal.set.Timestamp)
			batch.Payload(proposal.set.Payload)
		}
		batch.End(log[p.applied+n-1].position)
		if err := conn.QueryRow(ctx, "select barista_apply($1)", batch.Bytes()).Scan(&changes); err != nil {
			b.Fatal(err)
		}
		total += changes
		p.applied += n
	}
	spent := time.Since(start)
	b.ReportMetric(float64(spent.Nanoseconds())/float64(total), "ns/change")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(sets), "ns/set")
}

// pauseForProfile, if set, is told the server process that applies.
var pauseForProfile func(pid uint32)
