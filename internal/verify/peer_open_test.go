package verify

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/baristadb/barista/internal/changeset"
)

// slowNode reaches a mark some time after the test began, and makes progress until it stalls.
type slowNode struct {
	emptyNode
	begin           time.Time
	reaches, stalls time.Duration
}

func (n slowNode) Snapshot(ctx context.Context, mark changeset.MarkID) (*Snapshot, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(n.reaches - time.Since(n.begin)):
		return n.emptyNode.Snapshot(ctx, mark)
	}
}

// Progress grows twice a minute: by a part of a large transaction, or by a position.
func (n slowNode) Progress() Progress {
	steps := uint64(min(time.Since(n.begin), n.stalls) / (30 * time.Second))
	return Progress{Position: changeset.Position(steps / 10), Parts: steps % 10}
}

func TestSlowNodesAreWaitedFor(t *testing.T) {
	// A node that comes nearer to the mark is waited for, however long it takes, and the others keep their snapshots meanwhile; one that
	// stalls is not.
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		hosts := make(map[string]http.Handler)
		for name, marks := range map[string]Marks{
			"n1": emptyNode{},
			"n2": slowNode{begin: begin, reaches: time.Hour, stalls: time.Hour},
			"n3": slowNode{begin: begin, reaches: time.Hour, stalls: 10 * time.Minute},
		} {
			h := NewHandler(marks)
			defer h.Close()
			hosts[name] = h
		}
		coordinator := Coordinator{
			Marks:    emptyNode{},
			Nodes:    func() []string { return []string{"n1", "n2", "n3"} },
			Client:   &http.Client{Transport: Loopback{Hosts: hosts}},
			OpenTime: time.Minute,
		}
		report, err := coordinator.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin).Round(time.Minute); took != time.Hour || !report.Incomplete() || !slices.Equal(report.Nodes, []string{"n1", "n2"}) {
			t.Errorf("after %v: %v", took, report)
		}
		if len(report.NotCompared) != 1 || report.NotCompared[0].Node != "n3" || !strings.Contains(report.NotCompared[0].Reason, "1m0s") {
			t.Errorf("not compared: %v", report.NotCompared)
		}
	})
}

func TestProgressGrows(t *testing.T) {
	// What is tried again is no progress, nor is a batch that has begun behind the one before it less than that.
	order := []Progress{{}, {Position: 1}, {Position: 1, Parts: 1}, {Position: 1, Parts: 9}, {Position: 2}, {Position: 2, Parts: 1}}
	for i, a := range order {
		for j, b := range order {
			if got := a.compare(b); (got > 0) != (i > j) || (got < 0) != (i < j) {
				t.Errorf("%v to %v: %d", a, b, got)
			}
		}
	}
}
