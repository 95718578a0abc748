package contender

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/baristadb/barista/e2e/bench/usage"
)

// Quorum is PostgreSQL's own synchronous replication: a primary that waits, at each commit, until any one of two
// physical standbys has flushed it. The standbys stream, replay and could serve reads.
type Quorum struct {
	dir      string
	programs Programs
	servers  []*server // the primary first
}

// NewQuorum returns a contender that will keep its data in dir, which exists.
func NewQuorum(dir string, programs Programs) *Quorum { return &Quorum{dir: dir, programs: programs} }

// Start implements Contender.
func (q *Quorum) Start(ctx context.Context) error {
	primary, err := q.add("primary")
	if err != nil {
		return err
	}
	if err := primary.init(ctx); err != nil {
		return err
	}
	if err := primary.start(ctx, map[string]string{"synchronous_standby_names": "ANY 1 (s1, s2)"}); err != nil {
		return err
	}
	for _, name := range []string{"s1", "s2"} {
		standby, err := q.add(name)
		if err != nil {
			return err
		}
		if err := standby.copyFrom(ctx, primary); err != nil {
			return err
		}
		from := fmt.Sprintf("host=127.0.0.1 port=%s user=%s application_name=%s", primary.port, User, name)
		if err := standby.start(ctx, map[string]string{"primary_conninfo": from}); err != nil {
			return err
		}
	}
	return q.Settle(ctx)
}

func (q *Quorum) add(name string) (*server, error) {
	s, err := newServer(q.dir, name, q.programs)
	if err != nil {
		return nil, err
	}
	q.servers = append(q.servers, s)
	return s, nil
}

// Stop implements Contender.
func (q *Quorum) Stop(ctx context.Context) error {
	for _, s := range q.servers {
		s.stop(ctx)
	}
	return nil
}

// Doors implements Contender.
func (q *Quorum) Doors() []Door {
	return []Door{{"quorum", func(context.Context) (string, error) { return q.servers[0].address(), nil }}}
}

// Roots implements Contender.
func (q *Quorum) Roots(context.Context) ([]usage.Root, error) {
	var roots []usage.Root
	for _, s := range q.servers {
		roots = append(roots, s.root())
	}
	return roots, nil
}

// Settle implements Contender: both standbys have replayed what the primary had written when Settle began, and are
// waited for by its commits.
func (q *Quorum) Settle(ctx context.Context) (err error) {
	conn, err := Connect(ctx, q.servers[0].address())
	if err != nil {
		return fmt.Errorf("ask the primary: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var target string
	if err := conn.QueryRow(ctx, "SELECT pg_current_wal_lsn()::text").Scan(&target); err != nil {
		return fmt.Errorf("ask the primary: %w", err)
	}
	return poll(ctx, 5*time.Millisecond, func() (bool, error) {
		level := 0
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_replication
			WHERE sync_state = 'quorum' AND replay_lsn >= $1::text::pg_lsn`, target).Scan(&level)
		return level == len(q.servers)-1, err
	})
}

// poll asks until the answer is yes or ctx ends.
func poll(ctx context.Context, every time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		done, err := ask()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
