package e2e

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

// A fate is what a writer was told about its insert.
type fate int

const (
	acknowledged fate = iota
	refused           // it must not be there
	unknown           // it may be there, once
)

// ledger remembers every insert into the table written, and what was told about it.
type ledger struct {
	mu    sync.Mutex // guards the rest
	fates []fate     // by id
	wrong []error    // answers that no writer should get
	count [3]int     // by fate
}

// ledgerTable has no key: nothing but Barista keeps a row from appearing twice.
const ledgerTable = `CREATE TABLE written (id bigint NOT NULL, writer int); CREATE INDEX ON written (id)`

// newID reserves an id. Until its fate is noted it counts as unknown.
func (l *ledger) newID() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fates = append(l.fates, unknown)
	l.count[unknown]++
	return len(l.fates) - 1
}

func (l *ledger) note(id int, f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count[l.fates[id]]--
	l.fates[id] = f
	l.count[f]++
}

func (l *ledger) complain(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, err)
}

func (l *ledger) counted(f fate) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count[f]
}

// fateOf is what an error of a statement that may commit tells. A lost connection tells nothing.
func (l *ledger) fateOf(err error) fate {
	if err == nil {
		return acknowledged
	}
	told, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return unknown
	}
	switch session.OutcomeOf(told.Code) {
	case session.Refused, session.Disconnected:
		return refused
	case session.Unknown:
		return unknown
	default:
		l.complain(err)
		return unknown
	}
}

// insert inserts one row in a transaction of its own, by one statement.
func (l *ledger) insert(ctx context.Context, conn *pgx.Conn, writer int) error {
	id := l.newID()
	_, err := conn.Exec(ctx, "INSERT INTO written VALUES ($1, $2)", id, writer)
	l.note(id, l.fateOf(err))
	return err
}

// insertInBlock inserts one row in a transaction block. What fails before COMMIT is sent never was.
func (l *ledger) insertInBlock(ctx context.Context, conn *pgx.Conn, writer int) error {
	id := l.newID()
	tx, err := conn.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, "INSERT INTO written VALUES ($1, $2)", id, writer)
	}
	if err != nil {
		l.note(id, refused)
		if told, ok := errors.AsType[*pgconn.PgError](err); ok && session.OutcomeOf(told.Code) == session.Failed {
			l.complain(err)
		}
		return err
	}
	err = tx.Commit(ctx)
	l.note(id, l.fateOf(err))
	return err
}

// writers insert rows through some nodes, connecting again whenever they must, until they are stopped.
type writers struct {
	ledger *ledger
	stop   context.CancelFunc
	tasks  sync.WaitGroup
}

// startWriters starts writers on the nodes with the given URLs. They end with the test at the latest.
func startWriters(t testing.TB, l *ledger, urls []string) *writers {
	const each = 3
	ctx, stop := context.WithCancel(t.Context())
	w := &writers{ledger: l, stop: stop}
	for k := range each * len(urls) {
		w.tasks.Go(func() { w.write(ctx, k, urls) }) // ended by stop or the test; stopped waits
	}
	t.Cleanup(w.stopped)
	return w
}

// stopped ends the writers when their statements under way are answered.
func (w *writers) stopped() {
	w.stop()
	w.tasks.Wait()
}

// write inserts until ctx ends. No statement is cut by its end: its fate would be lost.
func (w *writers) write(ctx context.Context, writer int, urls []string) {
	insert := w.ledger.insert
	if writer/len(urls)%2 == 1 {
		insert = w.ledger.insertInBlock
	}
	for ctx.Err() == nil {
		// It stays with its node: else all might end up with one that then stands still.
		conn, err := connectAnew(ctx, urls[writer%len(urls)])
		if err != nil {
			pause(ctx, 50*time.Millisecond)
			continue
		}
		for ctx.Err() == nil {
			limit, cancel := context.WithTimeout(context.Background(), serveLimit)
			err := insert(limit, conn, writer)
			late := limit.Err() != nil
			cancel()
			if late {
				w.ledger.complain(fmt.Errorf("writer %d: no answer within %v", writer, serveLimit))
			}
			if err != nil {
				break
			}
		}
		conn.Close(context.Background())
	}
}

// connectAnew connects as an application does: not for ever, since a node that stands still accepts and never answers.
func connectAnew(ctx context.Context, url string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return pgx.Connect(ctx, url)
}

// pause waits between two attempts to connect.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// awaitMore waits until n more inserts are acknowledged, and returns how long the first of them took.
func (l *ledger) awaitMore(t testing.TB, n int) (first time.Duration) {
	t.Helper()
	began, before := time.Now(), l.counted(acknowledged)
	await(t, serveLimit, fmt.Sprintf("%d more acknowledged inserts", n), func(context.Context) error {
		got := l.counted(acknowledged) - before
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
func (l *ledger) check(t testing.TB, conn *pgx.Conn, where string) {
	t.Helper()
	rows, err := conn.Query(limited(t, queryLimit), "SELECT id, count(*) FROM written GROUP BY id")
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
		case f == acknowledged && n == 0:
			t.Errorf("%s: row %d was acknowledged and is lost", where, id)
		case f == refused && n != 0:
			t.Errorf("%s: row %d was refused and is there", where, id)
		}
	}
	t.Logf("%s: %d acknowledged, %d refused, %d unknown, %d rows", where, l.count[acknowledged], l.count[refused], l.count[unknown], len(times))
}

// checkOn checks the own sockets of the nodes, which are caught up.
func (l *ledger) checkOn(t testing.TB, c *cluster, nodes ...int) {
	t.Helper()
	for _, k := range nodes {
		l.check(t, c.local(t, k), c.Node(k).Config.Name)
	}
}

// urls are where clients reach the database through some nodes.
func urls(c *cluster, nodes []int) (urls []string) {
	for _, k := range nodes {
		urls = append(urls, c.url(k))
	}
	return urls
}
