package node

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/postgres"
)

func TestTooFewFiles(t *testing.T) {
	// A node that may have fewer files open than all its limits together come to says so when it starts, with both numbers and what to do.
	var log bytes.Buffer
	cfg := config.Defaults()
	cfg.Peers = map[string]string{"n1": "", "n2": "", "n3": ""}
	n := &node{cfg: cfg, pg: postgres.Config{MaxSessions: cfg.MaxSessions}, log: slog.New(slog.NewTextHandler(&log, nil))}
	needed := n.neededFiles()
	n.compareFiles(needed)
	if log.Len() > 0 {
		t.Errorf("with enough of them it says %s", log.String())
	}
	n.compareFiles(1024)
	for _, part := range []string{"ulimit -n", "allowed=1024", "needed=8842", "max_sessions=500"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("it says %q, without %q", log.String(), part)
		}
	}
	n.cfg.MaxSessions *= 2
	if more := n.neededFiles(); more <= needed {
		t.Errorf("%d files for %d sessions, %d for half as many", more, n.cfg.MaxSessions, needed)
	}
}

func TestUntilHangUp(t *testing.T) {
	// Whoever waits on behalf of a peer waits no longer when that hangs up; a stream that stands is left as it was.
	near, far := net.Pipe()
	defer near.Close()
	_, stop := untilHangUp(t.Context(), near)
	if !stop() {
		t.Error("a stream that stands was given up")
	}
	go io.WriteString(far, "latte") // ends when it is read
	near.SetDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, 5)
	if _, err := io.ReadFull(near, got); err != nil || string(got) != "latte" {
		t.Errorf("read %q, %v", got, err)
	}
	waiting, stop := untilHangUp(t.Context(), near)
	far.Close()
	select {
	case <-waiting.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the end of the stream was not seen")
	}
	if stop() || !errors.Is(waiting.Err(), context.Canceled) {
		t.Error("a stream that has ended is used further")
	}
}
