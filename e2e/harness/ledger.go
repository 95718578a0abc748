package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/internal/session"
)

// A Fate is what a writer was told about its insert.
type Fate int

const (
	Acknowledged Fate = iota
	Refused           // it must not be there
	Unknown           // it may be there, once
)

// Ledger remembers every insert into the table written, and what was told about it.
type Ledger struct {
	mu    sync.Mutex // guards the rest
	fates []Fate     // by id
	wrong []error    // answers that no writer should get
	count [3]int     // by fate
}

// LedgerTable has no key: nothing but Barista keeps a row from appearing twice.
const LedgerTable = `CREATE TABLE written (id bigint NOT NULL, writer int); CREATE INDEX ON written (id)`

// newID reserves an id. Until its fate is noted it counts as unknown.
func (l *Ledger) newID() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fates = append(l.fates, Unknown)
	l.count[Unknown]++
	return len(l.fates) - 1
}

func (l *Ledger) note(id int, f Fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count[l.fates[id]]--
	l.fates[id] = f
	l.count[f]++
}

func (l *Ledger) complain(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, err)
}

// Counted returns how many inserts have that fate.
func (l *Ledger) Counted(f Fate) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count[f]
}

// FateOf is what an error of a statement that may commit tells. A lost connection tells nothing.
func (l *Ledger) FateOf(err error) Fate {
	if err == nil {
		return Acknowledged
	}
	told, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return Unknown
	}
	switch session.OutcomeOf(told.Code) {
	case session.Refused, session.Disconnected:
		return Refused
	case session.Unknown:
		return Unknown
	default:
		l.complain(err)
		return Unknown
	}
}

// Insert inserts one row in a transaction of its own, by one statement.
func (l *Ledger) Insert(ctx context.Context, conn *pgx.Conn, writer int) error {
	id := l.newID()
	_, err := conn.Exec(ctx, "INSERT INTO written VALUES ($1, $2)", id, writer)
	l.note(id, l.FateOf(err))
	return err
}

// insertInBlock inserts one row in a transaction block. What fails before COMMIT is sent never was.
func (l *Ledger) insertInBlock(ctx context.Context, conn *pgx.Conn, writer int) error {
	id := l.newID()
	tx, err := conn.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, "INSERT INTO written VALUES ($1, $2)", id, writer)
	}
	if err != nil {
		l.note(id, Refused)
		if told, ok := errors.AsType[*pgconn.PgError](err); ok && session.OutcomeOf(told.Code) == session.Failed {
			l.complain(err)
		}
		return err
	}
	err = tx.Commit(ctx)
	l.note(id, l.FateOf(err))
	return err
}

// Writers insert rows through some nodes, connecting again whenever they must, until they are stopped.
type Writers struct {
	ledger *Ledger
	stop   context.CancelFunc
	tasks  sync.WaitGroup
}

// StartWriters starts writers on the nodes with the given URLs. They end with the test at the latest.
func StartWriters(t testing.TB, l *Ledger, urls []string) *Writers {
	const each = 3
	ctx, stop := context.WithCancel(t.Context())
	w := &Writers{ledger: l, stop: stop}
	for k := range each * len(urls) {
		w.tasks.Go(func() { w.write(ctx, k, urls) }) // ended by stop or the test; stopped waits
	}
	t.Cleanup(w.Stopped)
	return w
}

// Stopped ends the writers when their statements under way are answered.
func (w *Writers) Stopped() {
	w.stop()
	w.tasks.Wait()
}

// write inserts until ctx ends. No statement is cut by its end: its fate would be lost.
func (w *Writers) write(ctx context.Context, writer int, urls []string) {
	insert := w.ledger.Insert
	if writer/len(urls)%2 == 1 {
		insert = w.ledger.insertInBlock
	}
	for ctx.Err() == nil {
		// It stays with its node: else all might end up with one that then stands still.
		conn, err := ConnectAnew(ctx, urls[writer%len(urls)])
		if err != nil {
			Pause(ctx, 50*time.Millisecond)
			continue
		}
		for ctx.Err() == nil {
			limit, cancel := context.WithTimeout(context.Background(), ServeLimit)
			err := insert(limit, conn, writer)
			late := limit.Err() != nil
			cancel()
			if late {
				w.ledger.complain(fmt.Errorf("writer %d: no answer within %v", writer, ServeLimit))
			}
			if err != nil {
				break
			}
		}
		conn.Close(context.Background())
	}
}

// ConnectAnew connects as an application does: not for ever, since a node that stands still accepts and never answers.
func ConnectAnew(ctx context.Context, url string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return pgx.Connect(ctx, url)
}

// Pause waits between two attempts to connect.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// AwaitMore waits until n more inserts are acknowledged, and returns how long the first of them took.
func (l *Ledger) AwaitMore(t testing.TB, n int) (first time.Duration) {
	t.Helper()
	began, before := time.Now(), l.Counted(Acknowledged)
	Await(t, ServeLimit, fmt.Sprintf("%d more acknowledged inserts", n), func(context.Context) error {
		got := l.Counted(Acknowledged) - before
		if got > 0 && first == 0 {
			first = time.Since(began)
		}
		if got < n {
			return fmt.Errorf("%d are", got)
		}
		return nil
	})
	return first
}

// check fails the test unless the table holds each acknowledged id once, no refused one, and unknown ones at most once.
// The writers are stopped.
func (l *Ledger) check(t testing.TB, conn *pgx.Conn, where string) {
	t.Helper()
	rows, err := conn.Query(Limited(t, QueryLimit), "SELECT id, count(*) FROM written GROUP BY id")
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	times := map[int]int{}
	var id, count int
	if _, err := pgx.ForEachRow(rows, []any{&id, &count}, func() error { times[id] = count; return nil }); err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, err := range l.wrong {
		t.Errorf("a writer was told: %v", err)
	}
	l.wrong = nil
	for id, f := range l.fates {
		switch n := times[id]; {
		case n > 1:
			t.Errorf("%s: row %d is there %d times", where, id, n)
		case f == Acknowledged && n == 0:
			t.Errorf("%s: row %d was acknowledged and is lost", where, id)
		case f == Refused && n != 0:
			t.Errorf("%s: row %d was refused and is there", where, id)
		}
	}
	t.Logf("%s: %d acknowledged, %d refused, %d unknown, %d rows", where, l.count[Acknowledged], l.count[Refused], l.count[Unknown], len(times))
}

// CheckOn checks the own sockets of the nodes, which are caught up.
func (l *Ledger) CheckOn(t testing.TB, c *Cluster, nodes ...int) {
	t.Helper()
	for _, k := range nodes {
		l.check(t, c.Local(t, k), c.Node(k).Config.Name)
	}
}

// URLs are where clients reach the database through some nodes.
func URLs(c *Cluster, nodes []int) (urls []string) {
	for _, k := range nodes {
		urls = append(urls, c.URL(k))
	}
	return urls
}
