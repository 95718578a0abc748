package admin

import (
	"strings"
	"testing"
	"time"
)

func TestHealthDoesNotFlicker(t *testing.T) {
	// What passes by itself never makes a node unhealthy; what lasts does, without a break between two tries, until it has stayed away for a while.
	type step struct {
		after   time.Duration // since the beginning
		does    func(*Troubles, time.Time)
		trouble Reason
		healthy bool
	}
	fails := func(what Reason) func(*Troubles, time.Time) {
		return func(t *Troubles, now time.Time) { t.Failed(what, "no space", now) }
	}
	well := func(what Reason) func(*Troubles, time.Time) {
		return func(t *Troubles, now time.Time) { t.Well(what, now) }
	}
	look := func(*Troubles, time.Time) {}
	const s = time.Second
	for name, steps := range map[string][]step{
		"a server that crashes once": {
			{0, fails(ServerFails), ServerFails, true},
			{1 * s, well(ServerFails), "", true},
		},
		"a short series of failures": {
			{0, fails(ApplyFails), ApplyFails, true},
			{1 * s, fails(ApplyFails), ApplyFails, true},
			{2 * s, fails(ApplyFails), ApplyFails, true},
			{9 * s, fails(ApplyFails), ApplyFails, true},
			{9 * s, well(ApplyFails), "", true},
			{20 * s, fails(ApplyFails), ApplyFails, true},
		},
		"few failures, however far apart": {
			{0, fails(NoBackup), NoBackup, true},
			{60 * s, fails(NoBackup), NoBackup, true},
			{61 * s, well(NoBackup), "", true},
		},
		"a server that starts and fails again and again": {
			{0, fails(ServerFails), ServerFails, true},
			{5 * s, fails(ServerFails), ServerFails, true},
			{11 * s, fails(ServerFails), ServerFails, false},
			{12 * s, well(ServerFails), ServerFails, false},
			{30 * s, fails(ServerFails), ServerFails, false},
			{31 * s, well(ServerFails), ServerFails, false},
			{60 * s, well(ServerFails), ServerFails, false},
			{90 * s, look, ServerFails, false},
			{91 * s, look, "", true},
			{92 * s, fails(ServerFails), ServerFails, true},
		},
		"what explains more is told, and what lasts before what does not": {
			{0, fails(ApplyFails), ApplyFails, true},
			{1 * s, fails(ServerFails), ServerFails, true},
			{5 * s, fails(ApplyFails), ServerFails, true},
			{11 * s, fails(ApplyFails), ApplyFails, false},
			{12 * s, well(ServerFails), ApplyFails, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var troubles Troubles
			begin := time.Now()
			for _, step := range steps {
				now := begin.Add(step.after)
				step.does(&troubles, now)
				told := troubles.Tell(now)
				status := Status{Role: Follower, Server: ServerRunning, Trouble: told.Reason, NeedsHelp: told.Lasting}
				if told.Reason != step.trouble || status.Healthy() != step.healthy {
					t.Errorf("after %v: %+v, healthy %v; want %q, %v", step.after, told, status.Healthy(), step.trouble, step.healthy)
				}
				if told.Reason != "" && !strings.Contains(told.Detail, "no space") {
					t.Errorf("after %v the detail is %q", step.after, told.Detail)
				}
			}
		})
	}
}
