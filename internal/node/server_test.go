package node

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/baristadb/barista/internal/gate"
	"github.com/baristadb/barista/internal/postgres"
)

func TestDivergenceOfAnEarlierStart(t *testing.T) {
	// Shows that a server is not stopped for what was found of an earlier start of it, which has ended meanwhile.
	s := newLocalServer(postgres.Config{}, 1, slog.New(slog.DiscardHandler))
	shared, err := gate.NewShared(filepath.Join(t.TempDir(), "shared"), 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Unmap()
	r := &run{owner: s, shared: shared, diverged: make(chan string, 1)}
	s.setCurrent(r)
	for _, step := range []struct {
		start uint64
		want  int
	}{{7, 0}, {8, 1}} {
		s.Address(step.start)
		s.Diverged("a row is missing")
		if got := len(r.diverged); got != step.want {
			t.Errorf("start 8 has heard of %d divergences of start %d", got, step.start)
		}
	}
}
