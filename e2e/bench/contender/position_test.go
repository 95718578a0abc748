package contender

import "testing"

func TestLevel(t *testing.T) {
	// A cluster has settled when all three nodes have applied what its leader knows to be chosen.
	leader := position{Name: "n1", Role: "leader", Chosen: "9.0", Applied: "9.0"}
	follower := position{Name: "n2", Role: "follower", Chosen: "8.0", Applied: "9.0"}
	behind := position{Name: "n3", Role: "follower", Chosen: "9.0", Applied: "8.0"}
	for _, c := range []struct {
		all  []position
		want bool
	}{
		{nil, false},
		{[]position{leader, follower}, false},
		{[]position{leader, follower, behind}, false},
		{[]position{follower, follower, follower}, false},
		{[]position{leader, follower, follower}, true},
	} {
		if got := level(c.all); got != c.want {
			t.Errorf("level(%v) = %v, want %v", c.all, got, c.want)
		}
	}
}
