package capture

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

var pgbenchTPS = regexp.MustCompile(`tps = ([0-9.]+)`)

// BenchmarkCommits measures what capture and gate cost: pgbench's TPC-B-like
// script against a gate that chooses at once, by number of clients. Run it with
// -benchtime 1x; each part takes a few seconds.
func BenchmarkCommits(b *testing.B) {
	for _, clients := range []int{1, 8, 32} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			s := harness.SharedLeader(b)
			if harness.Value(b, s.Connect(b), "to_regclass('pgbench_accounts') is null") == "true" {
				harness.Pgbench(b, s, "-i", "-q", "-s", "10")
			}
			s.Gate.Restart()
			s.Reopen(b)
			for b.Loop() {
				out := harness.Pgbench(b, s, "-n", "-M", "prepared", "-T", "5",
					"-c", fmt.Sprint(clients), "-j", "2")
				tps := pgbenchTPS.FindStringSubmatch(out)
				if tps == nil {
					b.Fatalf("no result in %s", out)
				}
				var v float64
				fmt.Sscan(tps[1], &v)
				b.ReportMetric(v, "tps")
			}
		})
	}
}

// BenchmarkCapture measures what capture costs a row change: in a statement of
// its own, and as one of many, against a table whose changes are not captured.
func BenchmarkCapture(b *testing.B) {
	s := harness.SharedLeader(b)
	conn := s.Connect(b)
	harness.Execute(b, conn, "set client_min_messages = warning", "set barista.spill_limit = '8MB'",
		"drop table if exists measured, unmeasured",
		"create table measured (k int primary key, n int, filler char(84))",
		"create unlogged table unmeasured (k int primary key, n int, filler char(84))")
	for _, table := range []string{"unmeasured", "measured"} {
		harness.Execute(b, conn, fmt.Sprintf("insert into %s select i, 0, '' from generate_series(1, 20000) i", table))
		for _, way := range []struct {
			name, sql string
			rows      float64
		}{
			{"statements", `do $$ begin for i in 1..20000 loop update %s set n = i where k = i; end loop; end $$`, 20000},
			{"rows", "insert into %s select i, 0, '' from generate_series(100001, 200000) i", 100000},
		} {
			b.Run(table+"/"+way.name, func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					harness.Execute(b, conn, "begin")
					b.StartTimer()
					harness.Execute(b, conn, fmt.Sprintf(way.sql, table))
					b.StopTimer()
					harness.Execute(b, conn, "rollback")
					b.StartTimer()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/way.rows, "ns/row")
			})
		}
	}
}
