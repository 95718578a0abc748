package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/baristadb/barista/e2e/bench/pair"
)

// A work is one kind of transaction whose row changes cost something to capture.
type work struct {
	name    string
	changes int // rows that one transaction changes
	ending  string
	do      func(ctx context.Context, s *pair.Session, r *rand.Rand) error // what stands between BEGIN and ending
}

// Endings of a transaction. What is rolled back has been captured and is not agreed on.
const (
	rollback = "ROLLBACK"
	commit   = "COMMIT"
)

// run runs transactions.
func (w work) run(ctx context.Context, s *pair.Session, r *rand.Rand, transactions int) error {
	for range transactions {
		if err := s.Exec(ctx, "BEGIN"); err != nil {
			return err
		}
		if err := w.do(ctx, s, r); err != nil {
			return err
		}
		if err := s.Exec(ctx, w.ending); err != nil {
			return err
		}
	}
	return nil
}

const (
	captureScale = 5 // of pgbench's tables
	tableRows    = 20000
	oneByOne     = 50   // statements of a transaction that changes one row with each
	many         = 1000 // rows of a transaction that changes them all with one statement of the client
)

// works are all kinds of work, in the order of the report.
func works() []work {
	n := work{"pgbench -N", 2, rollback, simpleUpdate}
	committed := work{"pgbench -N, gate and all", 2, commit, simpleUpdate}
	all := []work{n, committed}
	for _, t := range []table{narrow, wide} {
		all = append(all,
			single(t.name+": INSERT, a row", t.insert(), t.fresh),
			single(t.name+": UPDATE, a row, 1 column", t.updateOne(), t.present),
			single(t.name+": UPDATE, a row, all columns", t.updateAll(), t.present),
			single(t.name+": DELETE, a row", "DELETE FROM "+t.name+" WHERE k = $1", func(r *rand.Rand) []any { return t.present(r)[:1] }),
			atOnce(t.name+": INSERT, many rows", t.insertMany()),
			atOnce(t.name+": UPDATE, many rows", fmt.Sprintf("UPDATE %s SET i1 = i1 + 1 WHERE k <= %d", t.name, many)),
			atOnce(t.name+": DELETE, many rows", fmt.Sprintf("DELETE FROM %s WHERE k <= %d", t.name, many)),
			atOnce(t.name+": UPDATE, a row, in a loop", fmt.Sprintf("DO $$ BEGIN FOR i IN 1..%d LOOP UPDATE %s SET i1 = i WHERE k = i; END LOOP; END $$", many, t.name)),
			copied(t.name+": COPY", t),
		)
	}
	all = append(all, atOnce("types: INSERT, many rows", types.insertMany()), copied("types: COPY", types))
	return append(all, atOnce("partitions: INSERT, many rows",
		fmt.Sprintf("INSERT INTO parted SELECT i, i, 'partitioned' FROM generate_series(1, %d) i", many)))
}

// simpleUpdate is what pgbench -N does between BEGIN and END.
func simpleUpdate(ctx context.Context, s *pair.Session, r *rand.Rand) error {
	account, teller, branch, delta := 1+r.IntN(captureScale*100000), 1+r.IntN(captureScale*10), 1+r.IntN(captureScale), r.IntN(10001)-5000
	for _, q := range []struct {
		sql       string
		arguments []any
	}{
		{"UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2", []any{delta, account}},
		{"SELECT abalance FROM pgbench_accounts WHERE aid = $1", []any{account}},
		{"INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP)", []any{teller, branch, account, delta}},
	} {
		if err := s.Exec(ctx, q.sql, q.arguments...); err != nil {
			return err
		}
	}
	return nil
}

// single changes rows one by one, each with a statement of its own.
func single(name, sql string, arguments func(*rand.Rand) []any) work {
	return work{name, oneByOne, rollback, func(ctx context.Context, s *pair.Session, r *rand.Rand) error {
		seen := map[any]bool{} // a row that is gone would not be changed
		for len(seen) < oneByOne {
			a := arguments(r)
			if seen[a[0]] {
				continue
			}
			seen[a[0]] = true
			if err := s.Exec(ctx, sql, a...); err != nil {
				return err
			}
		}
		return nil
	}}
}

// atOnce changes many rows with one statement of the client.
func atOnce(name, sql string) work {
	return work{name, many, rollback, func(ctx context.Context, s *pair.Session, _ *rand.Rand) error { return s.Exec(ctx, sql) }}
}

// copied fills a table by COPY.
func copied(name string, t table) work {
	var rows strings.Builder
	for i := range many {
		rows.WriteString(t.line(tableRows + 1 + i))
	}
	data := []byte(rows.String())
	return work{name, many, rollback, func(ctx context.Context, s *pair.Session, _ *rand.Rand) error {
		return s.Copy(ctx, "COPY "+t.name+" FROM STDIN", data)
	}}
}
