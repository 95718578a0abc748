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
