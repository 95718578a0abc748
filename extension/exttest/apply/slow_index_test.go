package apply

import (
	"testing"
	"time"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// A function that takes almost as long for each row as it may, and took no time where the rows were written, is not waited for: its index is named, and
// can be set aside. One that took its time there as well is.
func TestFunctionThatIsSlowHereAlone(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create function f(i int) returns int language plpgsql immutable as $$"+onFollower("perform pg_sleep(1.8);")+"$$",
		"create table t (v int)", "create index i on t (f(v))")
	n := len(p.Leader.Gate.Chosen())
	harness.Execute(t, p.Leader.Connect(t), "insert into t values (1)", "insert into t values (2)", "insert into t values (3)")
	written := p.Leader.Gate.Chosen()[n:]
	took := func(microseconds int64) {
		for _, set := range written {
			set.Set.Committed = set.Set.Timestamp + microseconds
		}
	}
	took(1000)
	if state := harness.SQLState(p.Follower.TryApply(t, written...)); state != "57P01" || p.Follower.Suspect() == 0 {
		t.Errorf("applied with SQLSTATE %q, suspected %d", state, p.Follower.Suspect())
	}
	took(200_000)
	if err := p.Follower.TryApply(t, written...); err != nil {
		t.Errorf("where it took long, too: %v", err)
	}
}

// While an index is built again it is named, and still is when its functions have ended the session, or the server; not after an error.
func TestIndexThatIsBuiltAgainIsNamed(t *testing.T) {
	p := harness.StartPair(t)
	const f = "create or replace function f(i int) returns int language plpgsql immutable as $$"
	p.Run(t, f+onFollower("raise 'not here';")+"$$", "create table t (v int)", "create index i on t (f(v))")
	n := len(p.Leader.Gate.Chosen())
	harness.Execute(t, p.Leader.Connect(t), "insert into t values (1)")
	if state := harness.SQLState(p.Follower.TryApply(t, p.Leader.Gate.Chosen()[n:]...)); state != "BA001" {
		t.Fatalf("applied with SQLSTATE %q", state)
	}
	index := p.Follower.Suspect()
	p.Follower.SetAside(t)
	p.Sync(t)
	if state := harness.SQLState(p.Follower.Rebuild(t, "i", time.Minute)); state != "BA001" || p.Follower.Suspect() != 0 {
		t.Errorf("built again with SQLSTATE %q, suspected %d", state, p.Follower.Suspect())
	}
	p.Run(t, f+onFollower("perform pg_sleep(1000);")+"$$")
	if state := harness.SQLState(p.Follower.Rebuild(t, "i", 100*time.Millisecond)); state != "57P01" || p.Follower.Suspect() != index {
		t.Errorf("built again with SQLSTATE %q, suspected %d, not %d", state, p.Follower.Suspect(), index)
	}
}

// A transaction that writes each row under other settings is applied in a moment: they are taken for the rows, and not the table worked out again.
func TestSettingsOfEachRow(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create function f(i int) returns int language plpgsql immutable as $$begin return i; end$$", "create table t (k int primary key, v int)", "create index i on t (f(v))", "create index j on t (v)")
	n := len(p.Leader.Gate.Chosen())
	harness.Execute(t, p.Leader.Connect(t), `do $$declare k int := 0; begin
		for style in 0..19 loop perform set_config('datestyle', (array['iso, mdy', 'sql, dmy', 'german', 'sql, mdy', 'postgres, dmy'])[1 + style % 5], false),
			set_config('intervalstyle', (array['postgres', 'sql_standard', 'iso_8601', 'postgres_verbose'])[1 + style / 5], false);
		for bits in 0..31 loop perform set_config('array_nulls', (bits % 2)::text, false), set_config('transform_null_equals', (bits / 2 % 2)::text, false), set_config('quote_all_identifiers', (bits / 4 % 2)::text, false),
			set_config('xmlbinary', (array['base64', 'hex'])[1 + bits / 8 % 2], false), set_config('bytea_output', (array['hex', 'escape'])[1 + bits / 16], false);
		for digits in -15..0 loop perform set_config('extra_float_digits', digits::text, false); k := k + 1; insert into t values (k, k);
		end loop; end loop; end loop; end$$`)
	began := time.Now()
	p.Sync(t)
	if got := harness.Value(t, p.Follower.Connect(t), "select count(*)::text from t"); got != "10240" || time.Since(began) > 30*time.Second {
		t.Errorf("%s rows of %d bytes, in %v", got, len(p.Leader.Gate.Chosen()[n].Set.Payload), time.Since(began))
	}
}

// What a session keeps of each time zone that writers had does not grow for ever: the session refuses the next batch, and another one applies that.
func TestTimeZonesOfWriters(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create function f(i int) returns int language plpgsql immutable as $$begin return i; end$$", "create table t (v int)", "create index i on t (f(v))")
	n := len(p.Leader.Gate.Chosen())
	harness.Execute(t, p.Leader.Connect(t), "do $$begin for i in 1000..5000 loop perform set_config('timezone', '<z' || i || '>1', false); insert into t values (i); end loop; end$$",
		"insert into t values (1)")
	written := p.Leader.Gate.Chosen()[n:]
	session := p.Follower.ConnectAs(t, "barista", "postgres")
	for i, state := range []string{"", "53000"} {
		if _, err := session.Exec(harness.Context(t), "select barista_apply($1)", p.Follower.PartOf(written[i])); harness.SQLState(err) != state {
			t.Errorf("batch %d: %v, not %q", i, err, state)
		}
	}
	p.Follower.Apply(t, written[1])
}
