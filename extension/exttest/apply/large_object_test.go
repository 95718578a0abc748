package apply

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// What SQL functions do to large objects is done on a follower, to the page.
func TestLargeObjectsBySQL(t *testing.T) {
	p := harness.SharedPair(t)
	conn := p.Leader.Connect(t)
	for _, sql := range []string{
		"select lo_create(4711)",
		"select lo_from_bytea(4712, 'abc')",
		"select lo_put(4712, 1, 'XY')",
		"select lo_put(4712, 100000, 'after a hole')",
		"select lo_put(4711, 2047, repeat('x', 5000)::bytea)",
		"begin; select lo_truncate(lo_open(4711, 131072), 3000); commit",
		"begin; select lo_truncate64(lo_open(4711, 131072), 9000); commit",
		"begin; select lo_open(4711, 393216), lowrite(0, repeat('y', 3000)::bytea), lo_lseek(0, 0, 0), lowrite(0, 'z'); commit",
		// The server lets a read-only transaction do this.
		"begin read only; select lo_put(4711, 5, 'read only'); commit",
		"select lo_unlink(4711)",
		"select lo_from_bytea(0, convert_to(repeat('€', 4000), 'UTF8')) from generate_series(1, 3)",
		"select lo_creat(-1)",
		fmt.Sprintf("select lo_import('%s/data/postgresql.conf', 4713)", p.Leader.Dir),
		// A savepoint that was rolled back leaves nothing.
		`begin; select lo_put(4712, 0, 'kept'); savepoint s; select lo_put(4712, 4096, 'gone'); select lo_create(4720); select lo_unlink(4713);
			rollback to s; select lo_put(4712, 2048, 'kept'); commit`,
		"begin; savepoint s; select lo_put(4712, 2, 'undone'), lo_from_bytea(4721, 'undone'); rollback to s; commit",
		// Made and removed, removed and made again.
		"begin; select lo_from_bytea(4730, 'short'); select lo_unlink(4730); commit",
		"begin; select lo_unlink(4712); select lo_from_bytea(4712, 'again'); commit",
		"begin; select lo_unlink(4712); select lo_create(4712); select lo_unlink(4712); commit",
		"create table lo_t (k int primary key, o oid); insert into lo_t select k, lo_from_bytea(0, 'row ' || k::text::bytea) from generate_series(1, 5) k",
		"select lo_unlink(o) from lo_t where k = 3",
		"create table lo_made as select lo_from_bytea(0, 'made') as o",
		// An expression that PL/pgSQL has made ready is used in several transactions and savepoints.
		"do $$ declare o oid; n int; begin for i in 1..5 loop o := lo_creat(-1); n := lowrite(lo_open(o, 131072), 'x'); if i <> 3 then commit; else rollback; end if; end loop; end $$",
		"do $$ declare o oid; n int; begin for i in 1..5 loop begin o := lo_creat(-1); n := lowrite(lo_open(o, 131072), 'y'); if i = 3 then raise 'x'; end if; exception when raise_exception then null; end; end loop; end $$",
		"do $$ begin perform lo_put((select o from lo_t where k = 1), 0, 'one'); commit; perform lo_put((select o from lo_t where k = 2), 0, 'two'); begin perform lo_put((select o from lo_t where k = 2), 0, 'no'); raise 'x'; exception when others then null; end; end $$",
	} {
		harness.Execute(t, conn, sql)
		p.SameLargeObjects(t)
		if t.Failed() {
			t.Fatalf("after %s", sql)
		}
	}
}

// Writes are captured, too, when the index by which they are noticed is made
// anew, or the server's other sessions have its caches thrown away meanwhile.
func TestLargeObjectsAfterInvalidations(t *testing.T) {
	p := harness.SharedPair(t)
	conn, other := p.Leader.Connect(t), p.Leader.Connect(t)
	harness.Execute(t, conn, "select lo_from_bytea(4801, repeat('x', 20000)::bytea)")
	for _, sql := range []string{"vacuum full pg_largeobject", "reindex table pg_largeobject", "vacuum pg_largeobject"} {
		harness.Execute(t, other, sql)
		harness.Execute(t, conn, "select lo_put(4801, 2048, 'by another')")
		harness.Execute(t, conn, sql, "select lo_put(4801, 4096, 'by itself')")
		p.SameLargeObjects(t)
	}
	harness.Execute(t, conn, "begin", "select lo_put(4801, 0, 'before')")
	harness.Execute(t, other, "do $$ begin for i in 1..500 loop execute 'create temp table lo_noise (a int primary key, b text); drop table lo_noise'; end loop; end $$")
	harness.Execute(t, conn, "select lo_put(4801, 6144, 'after')", "select lo_put(4801, 60000, 'after')", "commit")
	p.SameLargeObjects(t)
	if got := harness.Value(t, p.Follower.Connect(t), "select convert_from(lo_get(4801, 6144, 5) || lo_get(4801, 60000, 5), 'UTF8')"); got != "afterafter" {
		t.Errorf("the follower has %q", got)
	}
}

// Owners, rights and comments of large objects are the same on a follower, and
// go with the object.
func TestLargeObjectOwners(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create role lo_ann login", "create role lo_bob login", "create role lo_eve")
	super, ann := p.Leader.Connect(t), p.Leader.ConnectAs(t, "lo_ann", "postgres")
	for _, step := range []struct {
		conn *pgx.Conn
		sql  string
	}{
		{ann, "select lo_from_bytea(5001, 'ann''s'), lo_from_bytea(5002, 'too'), lo_from_bytea(5003, 'three')"},
		{ann, "grant select on large object 5001, 5002 to lo_bob with grant option"},
		{ann, "comment on large object 5001 is 'a comment'"},
		{super, "alter large object 5002 owner to lo_bob"},
		{super, "begin; select lo_create(5004); alter large object 5004 owner to lo_eve; grant all on large object 5004 to lo_ann; comment on large object 5004 is 'x'; commit"},
		{super, "begin; select lo_unlink(5003); select lo_from_bytea(5003, 'not ann''s'); comment on large object 5003 is 'again'; commit"},
		{ann, "select lo_unlink(5001)"},
		{super, "alter role lo_bob rename to lo_rob"},
		{super, "reassign owned by lo_rob to lo_eve"},
		{super, "begin; select lo_put(5002, 5000, 'written'), lo_put(5003, 5000, 'written'); drop owned by lo_eve; select lo_create(5002); commit"},
		{super, "begin; set local role lo_ann; select lo_create(5005); reset role; drop owned by lo_ann; drop owned by lo_rob; drop role lo_ann, lo_rob, lo_eve; commit"},
	} {
		harness.Execute(t, step.conn, step.sql)
		p.SameLargeObjects(t)
		if t.Failed() {
			t.Fatalf("after %s", step.sql)
		}
	}
	p.Same(t)
}

// call calls a function by the protocol's own message, as libpq and JDBC do
// for large objects, and returns its result in binary.
func call(t testing.TB, conn *pgx.Conn, function string, arguments ...[]byte) []byte {
	t.Helper()
	var oid uint32
	if err := conn.QueryRow(harness.Context(t), "select $1::text::regproc::oid", "pg_catalog."+function).Scan(&oid); err != nil {
		t.Fatal(err)
	}
	frontend := conn.PgConn().Frontend()
	frontend.Send(&pgproto3.FunctionCall{Function: oid, ArgFormatCodes: []uint16{1}, Arguments: arguments, ResultFormatCode: 1})
	if err := frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	var result []byte
	for {
		message, err := frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch m := message.(type) {
		case *pgproto3.FunctionCallResponse:
			result = slices.Clone(m.Result)
		case *pgproto3.ErrorResponse:
			t.Fatalf("%s: %s", function, m.Message)
		case *pgproto3.ReadyForQuery:
			return result
		}
	}
}

func int4(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

// Function calls past SQL are captured as well, in and outside of transactions.
func TestLargeObjectsByFastPath(t *testing.T) {
	p := harness.SharedPair(t)
	conn := p.Leader.Connect(t)
	object := call(t, conn, "lo_creat", int4(-1))
	p.SameLargeObjects(t)
	harness.Execute(t, conn, "begin")
	descriptor := call(t, conn, "lo_open", object, int4(0x60000))
	for range 10 {
		call(t, conn, "lowrite", descriptor, bytes.Repeat([]byte("0123456789"), 1000))
	}
	call(t, conn, "lo_lseek", descriptor, int4(7), int4(0))
	call(t, conn, "lowrite", descriptor, []byte("seven"))
	harness.Execute(t, conn, "savepoint s")
	call(t, conn, "lo_truncate", descriptor, int4(10))
	harness.Execute(t, conn, "rollback to s")
	harness.Execute(t, conn, "commit")
	p.SameLargeObjects(t)
	number := binary.BigEndian.Uint32(object)
	if got := harness.Value(t, p.Follower.Connect(t), fmt.Sprintf("select length(lo_get(%d)) || convert_from(lo_get(%[1]d, 0, 15), 'UTF8')", number)); got != "1000000123456seven234" {
		t.Errorf("the follower has %q", got)
	}
	call(t, conn, "lo_unlink", object)
	p.SameLargeObjects(t)
}

// What a follower finds otherwise than the leader is divergence, which names
// the object and the page; what cannot be is malformed; neither leaves a trace.
func TestLargeObjectsDiverge(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "select lo_from_bytea(7001, repeat('x', 5000)::bytea)")
	page := func(object, number uint32, pages ...changeset.Page) changeset.Message {
		return changeset.WrittenPages{Object: object, First: number, Pages: pages}
	}
	one := changeset.Page{Data: []byte("one")}
	again := changeset.Page{Data: []byte("again"), Replaces: true}
	for name, c := range map[string]struct {
		message changeset.Message
		code    string
		want    string
	}{
		"made twice":           {changeset.LargeObject{Object: 7001, Owner: "postgres"}, "BA001", "large object 7001 is there already"},
		"no owner":             {changeset.LargeObject{Object: 7002, Owner: "nobody"}, "BA001", `no role "nobody" to own large object 7002`},
		"removed twice":        {changeset.UnlinkedLargeObject{Object: 7002}, "BA001", "large object 7002 is not there"},
		"written twice":        {page(7001, 0, again, one), "BA001", "page 1 of large object 7001 is there already"},
		"nothing to replace":   {page(7001, 2, again, again), "BA001", "page 3 of large object 7001 is not there"},
		"nothing to remove":    {changeset.RemovedPages{Object: 7001, First: 1, Count: 3}, "BA001", "page 3 of large object 7001 is not there"},
		"number zero":          {changeset.LargeObject{Owner: "postgres"}, "BA003", ""},
		"page too long":        {page(7001, 3, changeset.Page{Data: make([]byte, changeset.MaxPage+1)}), "BA003", ""},
		"no page":              {page(7001, 3), "BA003", ""},
		"page beyond the last": {page(7001, math.MaxInt32, one, one), "BA003", ""},
		"nothing removed":      {changeset.RemovedPages{Object: 7001}, "BA003", ""},
		"removed beyond last":  {changeset.RemovedPages{Object: 7001, First: 1, Count: math.MaxInt32 + 1}, "BA003", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var payload changeset.Writer
			payload.Write(page(7009, 5, one))
			payload.Write(c.message)
			var batch changeset.Batch
			batch.Begin(p.Follower.Applied())
			batch.Set(1, 1)
			batch.Payload(payload.Payload())
			batch.End(p.Follower.Applied() + 1)
			if err := applyFails(t, p.Follower, c.code, batch.Bytes()); !strings.Contains(err.Message, c.want) {
				t.Errorf("the error is %q, not %q", err.Message, c.want)
			}
		})
	}
	p.SameLargeObjects(t)
}
