package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/verify"
)

const (
	pinLimit  = 3 * time.Second  // for each database's snapshot at a mark; the turn, or apply, waits for that
	keepLimit = 30 * time.Second // for somebody to ask for what was pinned
)

// markDesk pins a snapshot at each mark that this node reaches and hands it to whoever asks for it.
type markDesk struct {
	node *node

	mu     sync.Mutex    // guards the rest
	halted chan struct{} // closed when this node reaches no mark; another one when it does again
	why    error         // of that
	pinned map[changeset.MarkID]*pinned
}

// pinned is what a mark has left, or somebody waits for. ready is closed when the mark was reached.
type pinned struct {
	ready    chan struct{}
	taken    atomic.Bool // whoever sets it closes the snapshot
	snapshot *verify.Snapshot
	err      error
}

func newMarkDesk(n *node) *markDesk {
	return &markDesk{node: n, pinned: make(map[changeset.MarkID]*pinned), halted: make(chan struct{})}
}

// halt says that the server was stopped, and why. resume must follow before it is called again.
func (d *markDesk) halt(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.why = why
	close(d.halted)
}

// resume says that the server has other data now.
func (d *markDesk) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.halted = make(chan struct{})
}

// stops returns what is closed when this node reaches no mark.
func (d *markDesk) stops() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.halted
}

func (d *markDesk) whyHalted() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Errorf("%w: %w", verify.ErrStopped, d.why)
}

func (d *markDesk) entry(id changeset.MarkID) *pinned {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.pinned[id]
	if p == nil {
		p = &pinned{ready: make(chan struct{})}
		d.pinned[id] = p
	}
	return p
}

// drop forgets a mark.
func (d *markDesk) drop(id changeset.MarkID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pinned, id)
}

// Progress implements verify.Marks.
func (d *markDesk) Progress() verify.Progress {
	position, _ := d.node.server.applied()
	if took := d.node.server.took.Load(); took != nil && took.Position >= position {
		return *took
	}
	return verify.Progress{Position: position}
}

// reach pins the snapshots of a mark. What waits behind the mark goes on when they are taken, or one of them was not in pinLimit.
func (d *markDesk) reach(r *run, mark *replicator.Mark) {
	p := d.entry(mark.ID)
	leading := d.node.driver.Status().Phase == replicator.Open
	if leading {
		p.err = awaitApplied(r.ctx, r, mark.Position)
	}
	if p.err == nil {
		p.snapshot, p.err = d.pin(r, mark, leading)
	}
	if !leading && p.err == nil {
		p.err = readHorizonsWithin(r.ctx, pinLimit, p.snapshot)
	}
	r.owner.post(replicator.MarkDone{ID: mark.ID})
	if leading && p.err == nil {
		p.err = readHorizons(r.ctx, p.snapshot) // may wait for DDL on a sequence; the turn has passed on
	}
	close(p.ready)
	d.expire(r, mark.ID, p)
}

// awaitApplied waits, for pinLimit, until the backend before the mark has committed. Its turn depends on nobody who waits for the mark.
func awaitApplied(ctx context.Context, r *run, position changeset.Position) error {
	ctx, cancel := context.WithTimeout(ctx, pinLimit)
	defer cancel()
	for r.shared.Applied() < position {
		if ctx.Err() != nil {
			return fmt.Errorf("wait for position %v at a mark: %w", position, ctx.Err())
		}
		pause(ctx, time.Millisecond)
	}
	return nil
}

// pin takes a snapshot of each database. Each has pinLimit: with many of them, the time grows, as long as the server answers.
func (d *markDesk) pin(r *run, mark *replicator.Mark, leading bool) (*verify.Snapshot, error) {
	snapshot := &verify.Snapshot{Position: mark.Position, Role: verify.Following}
	if leading {
		snapshot.Role = verify.Leading
	}
	ctx, cancel := context.WithTimeout(r.ctx, pinLimit)
	defer cancel()
	databases, err := listDatabases(ctx, r.owner)
	if err != nil {
		return nil, err
	}
	for _, database := range databases {
		site, err := pinOne(r, database)
		if err != nil {
			snapshot.Close(context.WithoutCancel(r.ctx))
			return nil, fmt.Errorf("take a snapshot of database %q: %w", database, err)
		}
		snapshot.Sites = append(snapshot.Sites, site)
	}
	return snapshot, nil
}

// pinOne opens a connection to a database and takes its snapshot.
func pinOne(r *run, database string) (verify.Site, error) {
	ctx, cancel := context.WithTimeout(r.ctx, pinLimit)
	defer cancel()
	conn, err := r.owner.connect(ctx, database)
	if err != nil {
		return verify.Site{}, err
	}
	if err := verify.Pin(ctx, conn); err != nil {
		conn.Close(ctx)
		return verify.Site{}, err
	}
	return verify.Site{Database: database, Conn: conn}, nil
}

func listDatabases(ctx context.Context, s *localServer) ([]string, error) {
	conn, err := s.connect(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND datconnlimit <> -2 ORDER BY datname")
	if err != nil {
		return nil, fmt.Errorf("list the databases: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// readHorizons reads the horizons of each database's sequences.
func readHorizons(ctx context.Context, snapshot *verify.Snapshot) error {
	for k := range snapshot.Sites {
		if err := readHorizonsOf(ctx, &snapshot.Sites[k]); err != nil {
			return err
		}
	}
	return nil
}

// readHorizonsWithin gives each database a limit.
func readHorizonsWithin(ctx context.Context, limit time.Duration, snapshot *verify.Snapshot) error {
	for k := range snapshot.Sites {
		limited, cancel := context.WithTimeout(ctx, limit)
		err := readHorizonsOf(limited, &snapshot.Sites[k])
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func readHorizonsOf(ctx context.Context, site *verify.Site) (err error) {
	site.Horizons, err = verify.ReadHorizons(ctx, site.Conn, site.Database)
	return err
}

// expire closes what nobody has asked for in time.
func (d *markDesk) expire(r *run, id changeset.MarkID, p *pinned) {
	pause(r.ctx, keepLimit)
	d.drop(id)
	if !p.taken.Swap(true) && p.snapshot != nil {
		p.snapshot.Close(context.Background())
	}
}

// Snapshot implements verify.Marks.
func (d *markDesk) Snapshot(ctx context.Context, id changeset.MarkID) (*verify.Snapshot, error) {
	p := d.entry(id)
	select {
	case <-ctx.Done():
		d.drop(id)
		return nil, fmt.Errorf("wait for mark %v: %w", id, ctx.Err())
	case <-d.stops():
		d.drop(id)
		return nil, d.whyHalted()
	case <-p.ready:
	}
	d.drop(id)
	if p.taken.Swap(true) {
		return nil, fmt.Errorf("the snapshot of mark %v was handed out or has expired", id)
	}
	if p.err != nil && p.snapshot != nil {
		p.snapshot.Close(context.WithoutCancel(ctx))
		p.snapshot = nil
	}
	return p.snapshot, p.err
}

// Place implements verify.Marks: on this node if it leads, else through the one that does.
func (d *markDesk) Place(ctx context.Context) (changeset.MarkID, error) {
	v := d.node.leading.view()
	if v.open {
		return d.placeHere(ctx)
	}
	leader := d.node.directory.name(v.leader)
	if leader == "" || v.leader == d.node.identity.Node {
		return changeset.MarkID{}, errors.New("no node leads just now: a mark needs a leader")
	}
	var id changeset.MarkID
	err := d.node.ask(ctx, http.MethodPost, leader, "/mark", nil, &id)
	return id, err
}

// placeHere has the horizons of all sequences agreed on, and then a mark.
func (d *markDesk) placeHere(ctx context.Context) (changeset.MarkID, error) {
	var id changeset.MarkID
	rand.Read(id[:])
	databases, err := listDatabases(ctx, d.node.server)
	if err != nil {
		return id, err
	}
	for _, database := range databases {
		if err := d.submitHorizons(ctx, database); err != nil {
			return id, fmt.Errorf("read the horizons of the sequences of database %q: %w", database, err)
		}
	}
	d.node.driver.Post(ctx, replicator.MarkRequested{ID: id})
	return id, ctx.Err()
}

// horizonsAtOnce limits the states in one entry.
const horizonsAtOnce = 1000

// submitHorizons hands over the states of a database's sequences before it gives back the locks under which they were read: so a
// transaction that resets a sequence is either proposed before its state was read, or after that was handed over.
func (d *markDesk) submitHorizons(ctx context.Context, database string) error {
	conn, err := d.node.server.connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, "SELECT schema, name, horizon, is_called, (lsn - '0/0')::bigint FROM pg_catalog.barista_horizons(true)")
	if err != nil {
		return err
	}
	states, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (changeset.SequenceState, error) {
		state := changeset.SequenceState{Database: database}
		var lsn int64
		err := row.Scan(&state.Schema, &state.Name, &state.Horizon, &state.Called, &lsn)
		state.LSN = uint64(lsn)
		return state, err
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(states, horizonsAtOnce) {
		d.node.driver.Submit(ctx, replicator.Submitted{Epoch: d.node.driver.Status().Epoch, Sequences: some})
	}
	return nil
}

// serveMark answers a peer that wants a mark.
func (d *markDesk) serveMark(w http.ResponseWriter, r *http.Request) {
	if !d.node.leading.view().open {
		http.Error(w, "this node does not lead", http.StatusServiceUnavailable)
		return
	}
	id, err := d.placeHere(r.Context())
	reply(w, id, err)
}
