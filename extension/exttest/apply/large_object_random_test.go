package apply

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// Random changes of a few large objects, in transactions and savepoints of
// several sessions that run into each other, leave the same pages on a
// follower. No error but PostgreSQL's own comes up.
func TestLargeObjectsAtRandom(t *testing.T) {
	const sessions, steps = 3, 600
	p := harness.SharedPair(t)
	p.Run(t, "create role lo_1", "create role lo_2", "create function lo_fails(oid) returns void language plpgsql as "+
		"$$ begin perform lo_put($1, 3000, 'undone'); perform lo_create(99999); raise 'x'; exception when raise_exception then null; end $$")
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			random := &largeObjectChanges{rand.New(rand.NewPCG(seed, 1))}
			var conns [sessions]*pgx.Conn
			for i := range conns {
				conns[i] = p.Leader.Connect(t)
				harness.Execute(t, conns[i], "set lock_timeout = '30ms'", "set deadlock_timeout = '10ms'")
			}
			committed := 0
			for range steps {
				conn := conns[random.IntN(sessions)]
				sql := random.statement(conn.PgConn().TxStatus())
				_, err := conn.Exec(harness.Context(t), sql)
				var failure *pgconn.PgError
				switch {
				case errors.As(err, &failure) && strings.Contains(plainFailures, failure.Code):
				case err != nil:
					t.Fatalf("%s: %v", sql, err)
				case sql == "commit":
					committed++
				}
			}
			for _, conn := range conns {
				harness.Execute(t, conn, "rollback")
			}
			p.SameLargeObjects(t)
			if committed < steps/50 {
				t.Errorf("only %d transactions were committed", committed)
			}
		})
	}
}

// plainFailures are what an unreplicated server says of such changes: no such
// object, or there is one, serialization, no lock in time, deadlocks, "tuple
// concurrently updated", no such savepoint, no privilege.
const plainFailures = "42704 23505 40001 55P03 40P01 XX000 3B001 42501"

type largeObjectChanges struct{ *rand.Rand }

// statement returns one that suits a session that is idle, in a transaction or in a failed one.
func (r *largeObjectChanges) statement(status byte) string {
	switch {
	case status == 'E':
		return []string{"rollback", "rollback to s", "rollback to s"}[r.IntN(3)]
	case status == 'I' && r.IntN(2) == 0:
		return []string{"begin", "begin; savepoint s", "begin isolation level serializable; savepoint s"}[r.IntN(3)]
	case status == 'T':
		switch r.IntN(14) {
		case 0, 1:
			return "commit"
		case 2:
			return "rollback"
		case 3, 4:
			return "savepoint s"
		case 5:
			return "rollback to s"
		case 6:
			return "release s"
		}
	}
	object := 30001 + r.IntN(5)
	switch r.IntN(14) {
	case 0, 1:
		return fmt.Sprintf("select lo_create(%d)", object)
	case 2:
		return fmt.Sprintf("select lo_unlink(%d)", object)
	case 3:
		return fmt.Sprintf("select lo_truncate64(lo_open(%d, 131072), %d)", object, r.offset())
	case 4:
		return fmt.Sprintf("comment on large object %d is 'c%d'", object, r.IntN(10))
	case 5:
		return fmt.Sprintf("grant select on large object %d to lo_%d", object, 1+r.IntN(2))
	case 6:
		return fmt.Sprintf("alter large object %d owner to lo_%d", object, 1+r.IntN(2))
	case 7:
		return fmt.Sprintf("select lo_fails(%d)", object)
	case 8:
		if r.IntN(4) == 0 {
			return []string{"drop owned by lo_1", "reassign owned by lo_2 to lo_1"}[r.IntN(2)]
		}
		return fmt.Sprintf("select lo_from_bytea(0, 'n'), lo_unlink(%d)", object)
	default:
		return fmt.Sprintf("select lo_put(%d, %d, repeat(chr(%d), %d)::bytea)", object, r.offset(), 97+r.IntN(26), r.IntN(7000))
	}
}

// offset is mostly near the beginning or an edge of a page, and sometimes far away.
func (r *largeObjectChanges) offset() int {
	return r.IntN([]int{8, 80}[r.IntN(2)])*2048 + []int{0, 1, 2047, r.IntN(2048), r.IntN(20) * 2048 * 1024}[r.IntN(5)]
}
