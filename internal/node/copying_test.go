package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/postgres"
)

func TestBackupThatStandsStill(t *testing.T) {
	// While a base backup is under way people see how far it is; one that gets nothing any more is a trouble, one that is verified is none.
	s := newLocalServer(postgres.Config{}, 1, slog.New(slog.DiscardHandler))
	near, far := net.Pipe()
	defer far.Close()
	dial := func(context.Context) (net.Conn, error) { return near, nil }
	err := s.watchCopy(t.Context(), "n2", dial, func(ctx context.Context, dial postgres.Dial) error {
		conn, err := dial(ctx)
		if err != nil {
			return err
		}
		go far.Write(make([]byte, 3<<20)) // ends when it is read
		for read := 0; read < 3<<20; {
			n, err := conn.Read(make([]byte, 1<<20))
			if err != nil {
				return err
			}
			read += n
		}
		if told := s.progressOfCopy(); told != "base backup from n2, 3 MiB so far" {
			t.Errorf("told %q", told)
		}
		now, last := time.Now(), int64(-1)
		for range 4 {
			s.lookAtCopy(s.copying.Load(), &last, now)
			now = now.Add(copyWatch)
		}
		if told := s.troubles.Tell(now); told.Reason != admin.NoBackup || !told.Lasting || !strings.Contains(told.Detail, "the one from n2 stands still at 3 MiB") {
			t.Errorf("it stands still, and told is %+v", told)
		}
		conn.Close()
		s.lookAtCopy(s.copying.Load(), &last, now)
		if told := s.troubles.Tell(now.Add(time.Hour)); told.Reason != "" {
			t.Errorf("it is verified, and told is %+v", told)
		}
		return errors.New("so far")
	})
	if err == nil || s.progressOfCopy() != "" {
		t.Errorf("after the end: %v, %q", err, s.progressOfCopy())
	}
}

func TestWhatAStartEndsWith(t *testing.T) {
	// A server that fails again and again is failed between two tries, too; what it is told to do is no failure.
	s := newLocalServer(postgres.Config{}, 1, slog.New(slog.DiscardHandler))
	s.noteEnd(errRenew)
	if told := s.troubles.Tell(time.Now()); told.Reason != "" {
		t.Errorf("a server that is rebuilt: %+v", told)
	}
	s.noteEnd(errors.Join(errNoBackup, errors.New("n2 does not answer")))
	if told := s.troubles.Tell(time.Now()); told.Reason != admin.NoBackup || !strings.Contains(told.Detail, "n2 does not answer") {
		t.Errorf("no base backup: %+v", told)
	}
	for _, ago := range []time.Duration{time.Minute, 30 * time.Second, 0} {
		if s.State() != admin.ServerStarting {
			t.Errorf("after few tries it is %v", s.State())
		}
		s.troubles.Failed(admin.ServerFails, "PANIC", time.Now().Add(-ago))
	}
	if s.State() != admin.ServerFailed {
		t.Errorf("after many tries it is %v", s.State())
	}
}
