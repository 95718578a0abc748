package confluence

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// large makes a schema of tables with every kind of constraint, and transactions over it with as many statements.
func large(tables, statements int) []Source {
	var schema, txns strings.Builder
	for n := range tables {
		fmt.Fprintf(&schema, "CREATE TABLE t%d (id bigserial PRIMARY KEY, ref bigint REFERENCES t%d ON DELETE CASCADE, name text NOT NULL UNIQUE, n int NOT NULL DEFAULT 0 CHECK (n >= 0),\n"+
			"    state text CHECK (state IN ('a', 'b')), at timestamptz NOT NULL DEFAULT now(), a int, b int, CHECK (a <= b));\nCREATE INDEX ON t%d (ref);\n", n, n-min(n%10, 1), n)
		if n%10 == 0 {
			fmt.Fprintf(&schema, "-- invariant: total_%d\nSELECT NOT EXISTS (SELECT FROM t%d p WHERE p.n <> (SELECT count(*) FROM t%d WHERE ref = p.id));\n", n, n, n+1)
		}
	}
	for n := range statements / 5 {
		t := n % tables
		fmt.Fprintf(&txns, "-- transaction: x%d\nSELECT * FROM t%d WHERE id = :id FOR UPDATE;\nINSERT INTO t%d (ref, name, n) VALUES (:ref, :name, 1);\n"+
			"UPDATE t%d SET n = n + 1, state = 'b' WHERE id = :ref;\nUPDATE t%d SET a = :a, b = :b WHERE id = :id;\nDELETE FROM t%d WHERE id = :old AND at < now();\nCOMMIT;\n", n, t, t, max(0, t-1), t, t)
	}
	return []Source{{"schema.sql", schema.String()}, {"txns.sql", txns.String()}}
}

func TestSpeed(t *testing.T) {
	// A schema of 1,000 tables with 5,000 statements is analysed and written in 5 s of processor time, which is 5 s on a
	// machine that does nothing else, and 500 MB.
	sources := large(1001, 5000)
	start := processorTime(t)
	r, err := Analyze(Input{Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	size := len(r.Lines()) + len(r.Table()) + len(r.CounterExamples()) + len(r.Estimate())
	took := processorTime(t) - start
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("%v, %d MB of heap from the system, %d findings, %d bytes of text", took.Round(time.Millisecond), memory.HeapSys>>20, len(r.Findings), size)
	if took > 5*time.Second || memory.HeapSys > 500<<20 {
		t.Errorf("took %v and %d MB", took, memory.HeapSys>>20)
	}
	for _, d := range r.Diagnostics {
		if d.Severity == Error {
			t.Fatal(d)
		}
	}
}

// processorTime is what this process has used so far.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkAnalyze(b *testing.B) {
	sources := large(1001, 5000)
	for b.Loop() {
		if _, err := Analyze(Input{Sources: sources}); err != nil {
			b.Fatal(err)
		}
	}
}
