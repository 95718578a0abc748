package proxy

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// What one SELECT 1 costs, directly and through the proxy: elapsed time, and CPU time of this process (client and proxy).
func BenchmarkSelect(b *testing.B) {
	server := realServer(b)
	_, addr := startProxy(b, Options{Backends: server})
	for _, way := range []struct{ name, dsn string }{
		{"direct", fmt.Sprintf("host=%s user=postgres dbname=postgres", server.dir)},
		{"proxy", dsn(addr)},
	} {
		b.Run(way.name, func(b *testing.B) {
			ctx := context.Background()
			conn, err := pgx.Connect(ctx, way.dsn)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close(ctx)
			b.ReportAllocs()
			before := cpuTime()
			for b.Loop() {
				var one int
				if err := conn.QueryRow(ctx, "select 1").Scan(&one); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime returns the CPU time that this process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
