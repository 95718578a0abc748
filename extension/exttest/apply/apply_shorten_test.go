package apply

import (
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// What an index took on the leader because of how a value was compressed there is taken by a follower's.
func TestIndexEntriesCompressedOtherwise(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table pressed (k int primary key, v bytea)", "create index pressed_v on pressed (v)",
		"create table lz (k int primary key, v bytea compression lz4)",
		"create table spans (k int primary key, v bytea)", "create index spans_v on spans using brin (v)")
	// Its head does not compress, which is where pglz gives up.
	p.Run(t, "create function long(n int) returns bytea language sql as $$select decode(string_agg(md5(i::text || n), '') || repeat('78', 100000), 'hex') from generate_series(1, 80) i$$")
	for _, sql := range []string{
		"insert into lz select 1, long(1)",
		"insert into pressed select k, v from lz",
		"set default_toast_compression = lz4; insert into pressed select 2, long(2)",
		"set default_toast_compression = lz4; update pressed set k = 3, v = long(3) where k = 1", "update pressed set k = 4 where k = 3",
		"set default_toast_compression = lz4; insert into spans select 1, long(4)",
	} {
		harness.Execute(t, p.Leader.Connect(t), sql)
		p.Sync(t)
	}
	p.Same(t)
}

// A row that fits on the leader because its values were compressed before their column became STORAGE PLAIN fits on a follower.
func TestRowsCompressedBeforePlainStorage(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table keyed (k int primary key, v bytea)", "create table keyless (k int, v bytea)", "create table many (k int primary key, v bytea)",
		"insert into keyed values (1, repeat('x', 100000)::bytea)", "insert into keyless values (1, repeat('x', 100000)::bytea)",
		"alter table keyed alter v set storage plain", "alter table keyless alter v set storage plain", "alter table many alter v set storage plain",
		"update keyed set k = 2", "update keyed set k = 3", "update keyless set k = 2", "update keyless set k = 3 where k = 2",
		"insert into many select i, v from keyed, generate_series(1, 100) i", "insert into keyless select * from keyless", "create index on keyed (v)", "update keyed set k = 4")
	p.Same(t)
	p.Run(t, "delete from keyless", "delete from keyed")
	p.Same(t)
}
