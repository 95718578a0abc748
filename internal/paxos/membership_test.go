package paxos

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembershipBuildersChangeACopy(t *testing.T) {
	// Shows what each change makes of a membership, that it names the next
	// version, and that it leaves the membership itself as it was.
	m := FirstMembership("n1", 11, "a:1").AddLearner("n2", 12, "a:2").AddSpare("n3", 13, "a:3").Expect("n4")
	before := fmt.Sprint(m)
	n1, n2, n3 := m.Members[0], m.Members[1], m.Members[2]
	promoted, recruited := n2, n3
	promoted.Voter, recruited.Spare = true, false
	called, voter := n3, n3
	called.Spare, voter.Voter, voter.Spare = false, true, false
	for name, c := range map[string]struct {
		next    Membership
		members []Member
		names   []Name
	}{
		"remove":         {m.Remove(2), []Member{n1, n3}, []Name{{"n4", true, false}}},
		"dismiss":        {m.Dismiss(2), []Member{n1, n3}, []Name{{"n2", false, false}, {"n4", true, false}}},
		"promote":        {m.Promote(2), []Member{n1, promoted, n3}, []Name{{"n4", true, false}}},
		"recruit":        {m.Recruit(3), []Member{n1, n2, called}, []Name{{"n3", true, false}, {"n4", true, false}}},
		"replace":        {m.Replace(2, 3), []Member{n1, called}, []Name{{"n2", false, false}, {"n3", true, false}, {"n4", true, false}}},
		"promote spare":  {m.Promote(3), []Member{n1, n2, voter}, []Name{{"n4", true, false}}},
		"expect":         {m.Expect("n0"), m.Members, []Name{{"n0", true, false}, {"n4", true, false}}},
		"expect a spare": {m.ExpectSpare("n4"), m.Members, []Name{{"n4", true, true}}},
		"bar":            {m.Bar("n4"), m.Members, []Name{{"n4", false, false}}},
		"bar a stranger": {m.Bar("n9"), m.Members, []Name{{"n4", true, false}, {"n9", false, false}}},
	} {
		if c.next.Version != m.Version+1 || c.next.Next != m.Next {
			t.Errorf("%s: version %d after %d, next %d after %d", name, c.next.Version, m.Version, c.next.Next, m.Next)
		}
		if diff := cmp.Diff(c.members, c.next.Members); diff != "" {
			t.Errorf("%s: members (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.names, c.next.Names); diff != "" {
			t.Errorf("%s: names (-want +got):\n%s", name, diff)
		}
	}
	for name, next := range map[string]Membership{
		"recruit a learner": m.Recruit(2), "dismiss nobody": m.Dismiss(9), "replace by a learner": m.Replace(1, 2), "expect twice": m.Expect("n4"), "promote a voter": m.Promote(1),
	} {
		if next.Version != m.Version {
			t.Errorf("%s: it is a change", name)
		}
	}
	if after := fmt.Sprint(m); after != before {
		t.Errorf("it was %s and is %s", before, after)
	}
}

func TestNamesAreBounded(t *testing.T) {
	// Shows that a membership takes no more names than can be read back, and
	// that those it has can still be changed.
	m := FirstMembership("n1", 11, "a:1")
	for i := range MaxNames {
		m = m.Expect(fmt.Sprintf("n%05d", i))
	}
	if next := m.Expect("more"); next.Version != m.Version {
		t.Error("there is room for more")
	}
	m = m.Bar("n00007")
	_, back, err := DecodeMember(MemberValue(m).Body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, back); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestKnownTo(t *testing.T) {
	// Shows that a membership is known when a majority of its voters know it, or
	// a later one; learners do not count.
	m := FirstMembership("n1", 11, "a:1").AddLearner("n2", 12, "a:2").Promote(2).AddLearner("n3", 13, "a:3").Promote(3).AddLearner("n4", 14, "a:4")
	for _, c := range []struct {
		versions map[string]uint32
		want     bool
	}{
		{nil, false},
		{map[string]uint32{"n1": m.Version, "n2": m.Version - 1, "n4": m.Version}, false},
		{map[string]uint32{"n1": m.Version, "n3": m.Version + 5}, true},
	} {
		if got := m.KnownTo(func(member Member) uint32 { return c.versions[member.Name] }); got != c.want {
			t.Errorf("with %v it is known: %v", c.versions, got)
		}
	}
}
