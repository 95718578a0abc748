package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/internal/apply"
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/gate"
)

const (
	suspectLimit = 3                // failures of a batch, or ends of the server, that are an index's before it is set aside
	upkeepLock   = "5s"             // for a table's lock, which a reader on this node may hold
	rebuildFirst = time.Second      // after which an index that was set aside is built again; grows with each failure, up to
	rebuildLast  = time.Hour        // this; after as long without a failure it begins anew
	rebuildSoon  = 10 * time.Second // this, where a table cannot be written as long
	rebuildLimit = 10 * time.Second // for the first time; grows with each failure, up to
	rebuildMost  = time.Minute      // this: if the leader is lost, what has come meanwhile has to be applied first
	rebuildShare = 10               // apply has this many times as long for itself as it waits for what fails again
)

// tooLong is the SQLSTATE with which a session ends that ran a users' function for too long, or gave it too much memory (extension/apply_suspect.c).
const tooLong = "57P01"

// asideIndex is an index that this server has set aside (extension/index_aside.c).
type asideIndex struct {
	suspect  gate.Suspect
	database string
	name     string    // with its schema and its table, for people
	guards   bool      // it is unique or an exclusion constraint: as the leader, this node lets no new row into its table
	why      string    // if that is known
	due      time.Time // when it is built again
}

// indexPast is how often the functions of an index have failed on this node, also before it was built again.
type indexPast struct {
	failed int
	last   time.Time
}

// fail counts one more, and returns the past with it.
func (p indexPast) fail(now time.Time) indexPast {
	if now.Sub(p.last) > rebuildLast {
		p.failed = 0
	}
	return indexPast{p.failed + 1, now}
}

// delay is for how long an index is let alone after its last failure.
func (p indexPast) delay() time.Duration { return growing(rebuildFirst, 2*p.failed-2, rebuildLast) }

// limit is how long it may take to build it.
func (p indexPast) limit() time.Duration { return growing(rebuildLimit, p.failed-1, rebuildMost) }

// growing doubles a time so often, up to a longest one.
func growing(from time.Duration, doubled int, longest time.Duration) time.Duration {
	for ; doubled > 0 && from < longest; doubled-- {
		from *= 2
	}
	return min(from, longest)
}

// indexKeeper sets indexes aside whose functions fail on this node, and builds them again later. It belongs to the goroutine that applies:
// so neither waits for the other's locks.
type indexKeeper struct {
	run      *run
	without  bool                 // the next batch is to be applied without users' functions
	failures map[gate.Suspect]int // since something was applied
	aside    map[gate.Suspect]*asideIndex
	past     map[gate.Suspect]indexPast // outlives the server: one that ends while it builds an index does not begin with that again
}

func newIndexKeeper(r *run) *indexKeeper {
	return &indexKeeper{run: r, failures: make(map[gate.Suspect]int), aside: make(map[gate.Suspect]*asideIndex), past: r.owner.past}
}

// noteDeadly notes with whose functions the server has ended, in a batch or while their index was built again.
func (s *localServer) noteDeadly(suspect gate.Suspect) {
	s.deadly[suspect]++
	s.past[suspect] = s.past[suspect].fail(time.Now())
}

// applied says that a batch was applied in a database. Without functions, it may have set indexes aside.
func (k *indexKeeper) applied(ctx context.Context, database string) {
	clear(k.failures)
	if !k.without {
		return
	}
	k.without = false
	if err := k.find(ctx, database); err != nil {
		k.run.owner.log.Warn("a schema change was applied without functions; what it made is looked for after the next start", "database", database, "error", err)
	}
	k.publish()
}

// accuse reports whether a users' function is to blame for a batch that was not applied, and so no divergence. Its index is set aside, or its
// statement runs again without functions: at once or, if it may be by chance, a few failures later; done is true if the batch can be applied now.
func (k *indexKeeper) accuse(ctx context.Context, database string, err error) (blamed, done bool) {
	suspect := k.run.shared.Suspect()
	if suspect.Index == 0 || k.without {
		return false, false
	}
	k.failures[suspect]++
	var pg *pgconn.PgError
	atOnce := errors.Is(err, apply.ErrDiverged) || errors.As(err, &pg) && pg.Code == tooLong
	if !atOnce && k.failures[suspect] < suspectLimit {
		return true, false
	}
	there := false
	if suspect.Index != gate.SuspectStatement {
		var failed error
		there, failed = k.setAside(ctx, database, suspect, forPeople(err))
		if failed != nil {
			k.run.owner.log.Warn("an index whose functions fail could not be set aside; it is tried again", "database", database, "error", failed)
			return true, false
		}
	}
	if !there { // a statement, or an index that the same transaction makes
		k.run.owner.log.Warn("a schema change failed on this node; it is applied without users' functions", "database", database, "reason", err)
		k.without = true
	}
	return true, true
}

// forPeople is what an error says of a function that has failed.
func forPeople(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == tooLong {
		return "it ran for too long or took too much memory, and its session was ended"
	}
	return err.Error()
}

// setAside sets an index aside, and returns whether there is such an index.
func (k *indexKeeper) setAside(ctx context.Context, database string, suspect gate.Suspect, why string) (bool, error) {
	var part changeset.Batch
	part.SetIndexAside(suspect.Index)
	there, err := k.order(ctx, database, &part)
	if err != nil || !there {
		return false, err
	}
	k.past[suspect] = k.past[suspect].fail(time.Now())
	if err := k.find(ctx, database); err != nil {
		return false, err
	}
	if index := k.aside[suspect]; index != nil {
		index.why = why
		k.run.owner.log.Warn("an index is set aside on this node: a function of it failed here, so it is not immutable; rows are applied without it",
			"index", index.name, "database", database, "reason", why)
	}
	k.publish()
	return true, nil
}

// order has the server do what a part asks in the place of a batch, and returns whether there was anything to do.
func (k *indexKeeper) order(ctx context.Context, database string, part *changeset.Batch) (bool, error) {
	conn, err := k.connect(ctx, database)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var done int64
	err = conn.QueryRow(ctx, "SELECT pg_catalog.barista_apply($1)", part.Bytes()).Scan(&done)
	return done > 0, err
}

func (k *indexKeeper) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	c := k.run.server.ConnConfig()
	c.Database = database
	maps.Copy(c.RuntimeParams, applySettings)
	c.RuntimeParams["lock_timeout"] = upkeepLock
	return pgx.ConnectConfig(ctx, c)
}

// find looks for what is set aside in a database. No other index of a cluster is not ready: nothing is built CONCURRENTLY.
func (k *indexKeeper) find(ctx context.Context, database string) error {
	conn, err := k.connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return k.findBy(ctx, database, conn)
}

func (k *indexKeeper) findBy(ctx context.Context, database string, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT d.oid, c.oid, pg_catalog.format('%I.%I of table %I.%I', n.nspname, c.relname, m.nspname, t.relname), i.indisunique OR i.indisexclusion
		FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace m ON m.oid = t.relnamespace
		JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
		WHERE i.indislive AND NOT i.indisready AND c.relkind = 'i'`)
	if err != nil {
		return fmt.Errorf("look for indexes that are set aside: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (index asideIndex, err error) {
		err = row.Scan(&index.suspect.Database, &index.suspect.Index, &index.name, &index.guards)
		return index, err
	})
	if err != nil {
		return fmt.Errorf("look for indexes that are set aside: %w", err)
	}
	for _, index := range found {
		if k.aside[index.suspect] == nil {
			index.database, index.due = database, time.Now().Add(k.past[index.suspect].delay())
			k.aside[index.suspect] = &index
		}
	}
	return nil
}

// next is when an index is to be built again; nil: never. A batch that has failed is applied first, or the index would fail for its rows again.
func (k *indexKeeper) next() <-chan time.Time {
	index := k.first()
	if index == nil || len(k.failures) > 0 || k.without {
		return nil
	}
	return time.After(time.Until(index.due))
}

// first is the index that is due first; those that guard their tables come before others that are due.
func (k *indexKeeper) first() (first *asideIndex) {
	now := time.Now()
	for _, index := range k.aside {
		switch {
		case first == nil:
			first = index
		case index.due.Before(now) && first.due.Before(now) && index.guards != first.guards:
			if index.guards {
				first = index
			}
		case index.due.Before(first.due):
			first = index
		}
	}
	return first
}

// hurry is called when this node begins to lead: tables that cannot be written wait for nothing.
func (k *indexKeeper) hurry() {
	for _, index := range k.aside {
		if index.guards {
			index.due = time.Now()
		}
	}
}

// rebuild builds the index that is due. Until it is done nothing is applied, and on the leader its table is not written: so what only helps
// queries gets no more time there than it may have at once. While nobody leads, nothing is built: this node may have to.
func (k *indexKeeper) rebuild(ctx context.Context) {
	index := k.first()
	if k.run.owner.status().Leader == 0 {
		index.due = time.Now().Add(rebuildFirst)
		return
	}
	limit := k.past[index.suspect].limit()
	if k.run.opened.Load() && !index.guards {
		limit = rebuildLimit
	}
	var part changeset.Batch
	part.RebuildIndex(index.suspect.Index, uint32(limit.Milliseconds()))
	began := time.Now()
	gaveWay := k.giveWayWithoutLeader(ctx)
	built, err := k.order(ctx, index.database, &part)
	switch gave := gaveWay(); {
	case ctx.Err() != nil:
		return
	case err != nil && gave:
		index.due = time.Now().Add(rebuildFirst)
	case err != nil:
		index.why = forPeople(err)
		k.past[index.suspect] = k.past[index.suspect].fail(time.Now())
		delay := k.past[index.suspect].delay()
		if k.run.opened.Load() && index.guards {
			delay = min(delay, rebuildSoon)
		}
		delay = max(delay, rebuildShare*time.Since(began))
		index.due = time.Now().Add(delay)
		k.run.owner.log.Warn("an index that was set aside could not be built again; it is tried later",
			"index", index.name, "database", index.database, "reason", index.why, "in", delay.Round(time.Millisecond))
	default:
		delete(k.aside, index.suspect)
		if built {
			k.run.owner.log.Info("an index that was set aside is built again", "index", index.name, "database", index.database)
		}
	}
	k.publish()
}

// giveWayWithoutLeader ends what builds an index when nobody leads any more. The caller calls what it returns when that is done, and is told
// whether it was so.
func (k *indexKeeper) giveWayWithoutLeader(ctx context.Context) (done func() bool) {
	k.run.shared.LetBuild()
	ctx, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	gave := false
	watch.Go(func() { // ends with ctx; done waits for it
		for {
			next := k.run.owner.watchStatus()
			if k.run.owner.status().Leader == 0 {
				k.run.shared.EndBuild()
				gave = true
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-next:
			}
		}
	})
	return func() bool {
		stop()
		watch.Wait()
		return gave
	}
}

// setAside is what others are told of indexes that are set aside.
type setAside struct {
	told      []string // for the operator
	unguarded int
}

// publish tells the status what is set aside.
func (k *indexKeeper) publish() {
	var now setAside
	for _, index := range k.aside {
		line := fmt.Sprintf("index %s in database %s is set aside", index.name, index.database)
		if index.guards {
			line += ", and its table takes no new rows while this node leads"
			now.unguarded++
		}
		if index.why != "" {
			line += ": " + strings.Join(strings.Fields(index.why), " ")
		}
		now.told = append(now.told, line)
	}
	slices.Sort(now.told)
	k.run.owner.aside.Store(&now)
}

// lookAfterStart finds what is set aside, and sets aside what the server has ended with too often.
func (k *indexKeeper) lookAfterStart(ctx context.Context) error {
	for suspect, times := range k.run.owner.deadly {
		if times < suspectLimit {
			continue
		}
		if suspect.Index == gate.SuspectStatement {
			k.without = true
			delete(k.run.owner.deadly, suspect)
			continue
		}
		database, err := k.databaseOf(ctx, suspect)
		if err == nil && database != "" {
			var there bool
			if there, err = k.setAside(ctx, database, suspect, "the server ended while its functions ran"); !there {
				k.without = true // the batch makes it
			}
		}
		if err != nil {
			return fmt.Errorf("set aside the index with which the server ended: %w", err)
		}
		delete(k.run.owner.deadly, suspect)
	}
	k.publish()
	return nil
}

// databaseOf returns the name of a suspect's database, or "" if it was dropped.
func (k *indexKeeper) databaseOf(ctx context.Context, suspect gate.Suspect) (name string, err error) {
	conn, err := k.connect(ctx, "postgres")
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "SELECT datname FROM pg_catalog.pg_database WHERE oid = $1", suspect.Database).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return name, err
}
