package apply

import (
	"testing"

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
