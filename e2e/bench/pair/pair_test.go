package pair

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestPair(t *testing.T) {
	// The same statements are captured in one of the servers and not in the other; what is rolled back does not reach the gate.
	if testing.Short() {
		t.Skip("starts servers")
	}
	plan := Plan{Dir: t.TempDir(), Library: "../../../extension/barista.so", Programs: "/usr/lib/postgresql/15/bin", Fill: makeCups}
	for _, path := range []string{plan.Library, plan.Programs} {
		if _, err := os.Stat(path); err != nil {
			t.Skipf("needs PostgreSQL 15 and the extension: %v", err)
		}
	}
	for _, path := range []string{filepath.Dir(plan.Dir), plan.Dir} {
		if err := os.Chmod(path, 0o755); err != nil { // the servers' user must come in
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := Start(ctx, plan)
	defer func() {
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Session{p.Off, p.On} {
		before, err := s.CPU()
		if err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{"BEGIN", "INSERT INTO cups VALUES (1)", "COMMIT", "BEGIN", "INSERT INTO cups VALUES (2)", "ROLLBACK"} {
			if err := s.Exec(ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
		if after, err := s.CPU(); err != nil || after <= before {
			t.Errorf("processor time %v after %v, %v", after, before, err)
		}
	}
	if at := <-p.keeper.placed; at.index != 1 {
		t.Errorf("%d change sets reached the gate, want 1", at.index)
	}
}

func makeCups(ctx context.Context, target *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, target)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE TABLE cups (n int PRIMARY KEY)")
	return err
}
