package node

import (
	"testing"

	"github.com/baristadb/barista/internal/admin"
)

func TestWhyNobodyLeads(t *testing.T) {
	// A client is told whether a majority does not answer or whether members answer and cannot lead, and nothing of what is the operator's.
	up := admin.Status{Name: "n1", Role: admin.Stopped, Member: "voter", Reason: admin.Diverged, Detail: "diverged: row 7 of table secret"}
	idle := admin.Status{Name: "n2", Role: admin.Follower, Member: "voter"}
	failing := admin.Status{Name: "n2", Role: admin.Follower, Member: "voter", Trouble: admin.ApplyFails, Detail: "row 7 of table secret"}
	away := func(name string) admin.Status {
		return admin.Status{Name: name, Role: admin.Unreachable, Reason: admin.NoAnswer, Member: "voter"}
	}
	for _, test := range []struct {
		all  []admin.Status
		want string
	}{
		{nil, ""},
		{[]admin.Status{idle, away("n1"), away("n3"), {Name: "n4", Member: "spare"}},
			"A leader needs 2 of 3 members, and a server that holds what was agreed on. n2 answers: follower; n1 does not answer; n3 does not answer."},
		{[]admin.Status{up, failing, away("n3")}, "A leader needs 2 of 3 members, and a server that holds what was agreed on. " +
			"n1 answers: diverged; n2 answers: its server does not apply what was agreed on; n3 does not answer."},
	} {
		if got := explainNoLeader(test.all); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
