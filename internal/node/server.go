package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/apply"
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/gate"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/verify"
)

// Limits of the local server's life.
const (
	restartDelayMin = 100 * time.Millisecond // grows with every failure in a row, up to the next
	restartDelayMax = 10 * time.Second
	restartCalm     = time.Minute            // a server that ran this long starts the delays anew
	closeLimit      = 10 * time.Second       // for the backends of an epoch to end; after it the server is killed
	failedStarts    = 3                      // after so many in a row the server counts as failed, and is tried on
	drainTime       = 500 * time.Millisecond // for backends that have their answer to commit
	gateWatch       = 20 * time.Millisecond
	applyRetryMin   = 50 * time.Millisecond
	applyRetryMax   = 5 * time.Second
)

// localServer keeps the node's PostgreSQL server running, and is what the driver sees of it. A start of the server has its own mapped file,
// gate and connections (run); when any of it fails the whole start ends, every process of it is killed, and a new one begins.
type localServer struct {
	pg    postgres.Config
	node  paxos.NodeID
	log   *slog.Logger
	post  func(replicator.Event)                  // to the driver
	bring func(context.Context, replicator.Event) // a backend's event to the driver
	fetch func(context.Context) error             // a base backup into pg.DataDir
	marks *markDesk
	desk  *joinDesk

	replies *tickets[replicator.Reply] // to operators

	mu      sync.RWMutex // guards current: whoever uses it holds a read lock, so that its end waits
	current *run         // nil while no server runs
	target  uint64       // the start that the driver's calls are for; used by the driver's goroutine alone

	copied     bool // the data is a copy of a peer's; used by keep alone
	copyTooOld bool // the last data were, and needed a base backup again; likewise

	rebuild  chan struct{}                   // holds a token when the server needs a base backup
	diverged chan string                     // holds why the server must not go on
	state    atomic.Value                    // string, for people
	took     atomic.Pointer[verify.Progress] // what the server has taken last of a batch; nil: nothing yet
}

// run is one start of the server.
type run struct {
	owner  *localServer
	server *postgres.Server
	shared *gate.Shared
	gate   *gate.Gate
	ctx    context.Context // ends when this start ends
	stop   context.CancelCauseFunc
	apply  chan *replicator.Batch
	opened atomic.Bool // the gate was opened and not closed by the driver
	tasks  sync.WaitGroup
}

func newLocalServer(pg postgres.Config, id paxos.NodeID, log *slog.Logger) *localServer {
	s := &localServer{
		pg: pg, node: id, log: log, rebuild: make(chan struct{}, 1), diverged: make(chan string, 1),
		replies: newTickets[replicator.Reply](),
	}
	s.state.Store(admin.ServerStopped)
	return s
}

func (s *localServer) setCurrent(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = r
}

// with calls use with the running server and returns true, or returns false if none runs. use must not block.
func (s *localServer) with(use func(*run)) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.current == nil {
		return false
	}
	use(s.current)
	return true
}

// Address implements replicator.Server.
func (s *localServer) Address(start uint64) { s.target = start }

// addressed is with, for the driver: it passes over a start of the server that the driver does not know yet.
func (s *localServer) addressed(use func(*run)) bool {
	return s.with(func(r *run) {
		if r.shared.Start() == s.target {
			use(r)
		}
	})
}

// runs reports whether a server runs.
func (s *localServer) runs() bool { return s.with(func(*run) {}) }

// State is a word for people.
func (s *localServer) State() admin.ServerState { return s.state.Load().(admin.ServerState) }

// keep runs the server until ctx ends: start, serve, bury, again.
func (s *localServer) keep(ctx context.Context) {
	delay := restartDelayMin
	for failed := 0; ctx.Err() == nil; failed++ {
		began := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > restartCalm {
			delay, failed = restartDelayMin, 0
		}
		if failed >= failedStarts {
			s.state.Store(admin.ServerFailed)
		}
		s.log.Warn("the server is started again", "in", delay, "reason", err)
		pause(ctx, delay)
		delay = min(2*delay, restartDelayMax)
	}
	s.state.Store(admin.ServerStopped)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// errRebuild ends a start whose data is too old for any journal.
var errRebuild = errors.New("the server is behind the log of every node that could bring it up to date; it gets a base backup")

// once is one life of the server. Whatever ends it, no process of it is left when once returns.
func (s *localServer) once(ctx context.Context) error {
	if _, err := os.Stat(s.pg.DataDir); os.IsNotExist(err) {
		s.state.Store(admin.ServerRebuilding)
		if err := s.fetch(ctx); err != nil {
			return fmt.Errorf("fetch a base backup: %w", err)
		}
		s.copied = true
	}
	s.state.Store(admin.ServerStarting)
	r, applied, err := s.start(ctx)
	if err != nil {
		return err
	}
	s.setCurrent(r)
	s.state.Store(admin.ServerRunning)
	s.log.Info("the server runs", "applied", applied.String())
	s.post(replicator.ServerStarted{Start: r.shared.Start(), Applied: applied})
	err = s.watch(ctx, r)
	s.state.Store(admin.ServerStarting)
	s.setCurrent(nil)
	r.end(ctx, err)
	s.post(replicator.ServerLost{})
	switch {
	case errors.Is(err, errRebuild):
		s.log.Warn("the server gets a base backup", "reason", err)
		s.copied, s.copyTooOld = false, s.copied
		return s.setAside()
	case errors.Is(err, apply.ErrDiverged):
		s.log.Error("the server is stopped for good; this node goes on voting", "reason", err)
		s.state.Store(admin.ServerStopped)
		s.marks.halt(err)
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// watch returns why this start has to end.
func (s *localServer) watch(ctx context.Context, r *run) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.server.Done():
		return r.server.Err()
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	case <-s.rebuild:
		return errRebuild
	case why := <-s.diverged:
		return fmt.Errorf("%w: %s", apply.ErrDiverged, why)
	}
}

// setAside makes room for a base backup. The old folder was this node's own copy of the order and is behind every log. It is renamed
// first: a folder that is half removed must not be taken for a server's.
func (s *localServer) setAside() error {
	s.state.Store(admin.ServerRebuilding)
	old := s.pg.DataDir + ".old"
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("remove a data folder that is too old: %w", err)
	}
	if err := os.Rename(s.pg.DataDir, old); err != nil {
		return fmt.Errorf("set aside a data folder that is too old: %w", err)
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("remove a data folder that is too old: %w", err)
	}
	return errRebuild
}

// start makes a new mapped file and gate, starts the server on them, and reads how far it has applied.
func (s *localServer) start(ctx context.Context) (*run, changeset.Position, error) {
	if err := postgres.KillStale(ctx, s.pg.DataDir); err != nil { // before their mapped file and gate are taken away
		return nil, 0, err
	}
	if err := s.pg.PrepareFolders(); err != nil {
		return nil, 0, err
	}
	id := newStartID()
	shared, err := gate.NewShared(s.pg.SharedFile, id, s.node)
	if err != nil {
		return nil, 0, err
	}
	r := &run{owner: s, shared: shared, apply: make(chan *replicator.Batch, 1)}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	bring := func(e replicator.Event) { s.bring(r.ctx, e) }
	if r.gate, err = gate.Listen(s.pg.GateSocket, id, bring, s.log); err != nil {
		r.stop(err)
		return nil, 0, errors.Join(err, shared.Unmap())
	}
	r.tasks.Go(r.serveGate) // ends with the gate, which end closes
	if r.server, err = s.pg.Start(ctx); err != nil {
		r.end(ctx, err)
		return nil, 0, err
	}
	applied, err := r.readApplied(ctx)
	if err == nil {
		err = r.emptyUnlogged(ctx)
	}
	if err != nil {
		r.end(ctx, err)
		return nil, 0, err
	}
	r.tasks.Go(r.applyBatches) // ends with r.ctx; end waits for it
	r.tasks.Go(r.watchGate)    // likewise
	return r, applied, nil
}

// newStartID draws a number that nobody else has.
func newStartID() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func (r *run) serveGate() {
	if err := r.gate.Serve(r.ctx); err != nil {
		r.stop(err)
	}
}

// readApplied makes the server read its position from the origin's progress, and returns it.
func (r *run) readApplied(ctx context.Context) (changeset.Position, error) {
	conn, err := pgx.ConnectConfig(ctx, r.server.ConnConfig())
	if err != nil {
		return 0, fmt.Errorf("ask the server for its position: %w", err)
	}
	defer conn.Close(ctx)
	var position int64
	if err := conn.QueryRow(ctx, "SELECT pg_catalog.barista_start()").Scan(&position); err != nil {
		return 0, fmt.Errorf("ask the server for its position: %w", err)
	}
	return changeset.Position(position), nil
}

// end ends this start: nothing commits any more, the server is stopped (orderly if the node is), and all goroutines have ended.
func (r *run) end(ctx context.Context, why error) {
	r.shared.Close()
	r.stop(why)
	if r.server != nil {
		select {
		case <-r.server.Done():
		default:
			if ctx.Err() != nil {
				stopping, cancel := context.WithTimeout(context.Background(), closeLimit)
				if err := r.server.Stop(stopping); err != nil {
					r.owner.log.Warn("the server did not stop in an orderly way", "error", err)
				}
				cancel()
			} else {
				r.server.Kill()
			}
		}
	}
	r.gate.Close()
	r.tasks.Wait()
	if err := r.shared.Unmap(); err != nil {
		r.owner.log.Warn("the mapped file could not be given back", "error", err)
	}
}

// dial opens a stream to the server's socket.
func (s *localServer) dial(ctx context.Context) (net.Conn, error) {
	return s.dialFrom(ctx, net.Dialer{})
}

// dialForDoor is dial for a client of a front door. The server knows that by the name of this end (see client.c of the extension), in the
// namespace that has no files; which name it is does not matter, as long as it is nobody else's.
func (s *localServer) dialForDoor(ctx context.Context) (net.Conn, error) {
	return s.dialFrom(ctx, net.Dialer{LocalAddr: &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("@barista.%016x", newStartID())}})
}

func (s *localServer) dialFrom(ctx context.Context, d net.Dialer) (net.Conn, error) {
	if !s.runs() {
		return nil, errors.New("the server does not run")
	}
	return d.DialContext(ctx, "unix", s.pg.SocketPath())
}

// connect opens a connection of role barista to a database.
func (s *localServer) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	c := s.pg.ConnConfig()
	c.Database = database
	return pgx.ConnectConfig(ctx, c)
}

// applied is how far the running server has applied; ok is false while none runs.
func (s *localServer) applied() (p changeset.Position, ok bool) {
	ok = s.with(func(r *run) { p = r.shared.Applied() })
	return p, ok
}

// flushed makes the commits of the running start of the server durable, and returns which start that is and up to which position.
func (s *localServer) flushed(ctx context.Context) (start uint64, p changeset.Position, err error) {
	if !s.with(func(r *run) { start = r.shared.Start() }) {
		return 0, 0, errors.New("the server does not run")
	}
	conn, err := s.connect(ctx, "postgres")
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var position int64
	if err := conn.QueryRow(ctx, "SELECT pg_catalog.barista_flush()").Scan(&position); err != nil {
		return 0, 0, fmt.Errorf("ask the server what it has flushed: %w", err)
	}
	return start, changeset.Position(position), nil
}

// SetLease implements replicator.Server.
func (s *localServer) SetLease(end paxos.Instant) {
	s.addressed(func(r *run) { r.shared.SetLease(end) })
}

// OpenGate implements replicator.Server.
func (s *localServer) OpenGate(epoch paxos.Ballot) {
	s.addressed(func(r *run) {
		r.shared.Open(epoch)
		r.opened.Store(true)
		s.log.Info("the gate is open", "epoch", epoch.String())
	})
}

// CloseGate implements replicator.Server: the flag at once, the backends' end in its own time.
func (s *localServer) CloseGate() {
	s.addressed(func(r *run) { // if none runs, its end has closed the gate, and ServerLost is on its way
		r.opened.Store(false)
		r.shared.Close()
		s.log.Info("the gate is closed")
		r.tasks.Go(r.endBackends) // bounded by closeLimit and r.ctx; end waits for it
	})
}

// DrainGate implements replicator.Server: like CloseGate, after the backends that have been told "chosen" have committed.
func (s *localServer) DrainGate() {
	s.addressed(func(r *run) {
		r.opened.Store(false)
		r.tasks.Go(func() { // bounded by drainTime, closeLimit and r.ctx; end waits for it
			for limit := time.Now().Add(drainTime); r.shared.Waiting() > 0 && time.Now().Before(limit) && r.ctx.Err() == nil; {
				pause(r.ctx, time.Millisecond)
			}
			r.shared.Close()
			s.log.Info("the gate is closed")
			r.endBackends()
		})
	})
}

// Answer implements replicator.Server.
func (s *localServer) Answer(answers []replicator.Answer) {
	s.addressed(func(r *run) { r.gate.Send(answers) })
}

// Apply implements replicator.Server. There is never more than one batch under way.
func (s *localServer) Apply(batch *replicator.Batch) {
	s.addressed(func(r *run) {
		select {
		case r.apply <- batch:
		default: // a batch for an earlier start of the server, whose end is on its way
		}
	})
}

// Mark implements replicator.Server.
func (s *localServer) Mark(mark *replicator.Mark) {
	s.addressed(func(r *run) { // if none runs, ServerLost is on its way and ends the mark
		r.tasks.Go(func() { s.marks.reach(r, mark) }) // bounded by the desk's limits and r.ctx; end waits for it
	})
}

// Rebuild implements replicator.Server.
func (s *localServer) Rebuild() {
	select {
	case s.rebuild <- struct{}{}:
	default:
	}
}

// Diverged implements replicator.Server.
func (s *localServer) Diverged(why string) {
	select {
	case s.diverged <- why:
	default:
	}
}

// Joined implements replicator.Server.
func (s *localServer) Joined(j replicator.Joined) { s.desk.tickets.answer(j.Reply, j) }

// Replied implements replicator.Server.
func (s *localServer) Replied(r replicator.Reply) { s.replies.answer(r.Ticket, r) }

// watchGate notices when the server has closed the gate by itself: a guard failed, or a backend ended while it waited. The epoch is
// over then, and leadership has to follow.
func (r *run) watchGate() {
	ticker := time.NewTicker(gateWatch)
	defer ticker.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-ticker.C:
		}
		if r.opened.Load() && r.shared.Closed() {
			r.opened.Store(false)
			r.owner.log.Warn("the server has closed its gate; this node steps down")
			r.owner.post(replicator.GateFailed{})
		}
	}
}

// endBackends ends every session of the epoch that was closed, waits until none is left, empties what is unlogged, and tells how far the
// server is. Sessions that begin later see the closed flag and can only read. If a session does not end the server is killed.
func (r *run) endBackends() {
	ctx, cancel := context.WithTimeout(r.ctx, closeLimit)
	defer cancel()
	if err := r.terminateBackends(ctx); err != nil {
		r.owner.log.Warn("the sessions of a closed epoch did not end; the server is killed", "error", err)
		r.stop(fmt.Errorf("end the sessions of a closed epoch: %w", err))
		return
	}
	if err := r.emptyUnlogged(ctx); err != nil {
		r.owner.log.Warn("the server is killed, which empties its unlogged tables", "error", err)
		r.stop(err)
		return
	}
	r.owner.post(replicator.GateClosed{Applied: r.shared.Applied()})
}

// terminateBackends ends every process that may still be inside the closed epoch: all but barista's own sessions and the server's workers.
func (r *run) terminateBackends(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, r.server.ConnConfig())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	const all, those = "SELECT pg_catalog.barista_end_backends(NULL)", "SELECT pg_catalog.barista_end_backends($1)"
	var told []int32
	if err := conn.QueryRow(ctx, all).Scan(&told); err != nil {
		return fmt.Errorf("end the sessions: %w", err)
	}
	for len(told) > 0 || r.shared.Waiting() > 0 {
		pause(ctx, 5*time.Millisecond)
		if err := conn.QueryRow(ctx, those, append([]int32{}, told...)).Scan(&told); err != nil { // NULL would be all
			return fmt.Errorf("end the sessions: %w", err)
		}
	}
	return nil
}

// applySettings are what barista_apply reads values under; a session that has them spares each call the setting and restoring. Given at
// the start of a session they outrank what ALTER DATABASE and ALTER ROLE say.
var applySettings = map[string]string{
	"search_path": "pg_catalog", "timezone": "UTC", "datestyle": "ISO, MDY", "intervalstyle": "postgres",
	"extra_float_digits": "3", "lc_monetary": "C", "client_min_messages": "error", "array_nulls": "on", "xmloption": "content",
	"force_parallel_mode": "off", "max_parallel_workers_per_gather": "0", // a worker would not know that it applies
}

// applyBatches applies what comes, one batch after the other, until this start ends.
func (r *run) applyBatches() {
	connect := func(ctx context.Context, database string) (*pgconn.PgConn, error) {
		c := r.server.ConnConfig()
		c.Database = database
		maps.Copy(c.RuntimeParams, applySettings)
		return pgconn.ConnectConfig(ctx, &c.Config)
	}
	applier := apply.New(connect)
	applier.Took = func(behind changeset.Position, n int) {
		r.owner.took.Store(&verify.Progress{Position: behind, Parts: uint64(n)})
	}
	defer applier.Close(context.Background())
	retry := applyRetryMin
	for {
		select {
		case <-r.ctx.Done():
			return
		case batch := <-r.apply:
			if r.applyOne(applier, batch, retry) {
				retry = applyRetryMin
			} else {
				retry = min(2*retry, applyRetryMax)
			}
		}
	}
}

func (r *run) applyOne(applier *apply.Applier, batch *replicator.Batch, retry time.Duration) bool {
	err := applier.Apply(r.ctx, batch)
	if err == nil {
		r.owner.post(replicator.Applied{Batch: batch.Number, Position: batch.Position})
		return true
	}
	if r.ctx.Err() != nil {
		return false
	}
	failed := replicator.ApplyFailed{Batch: batch.Number}
	if errors.Is(err, apply.ErrDiverged) {
		failed.Divergence = err.Error()
	} else {
		r.owner.log.Warn("a batch was not applied; it is tried again", "error", err, "in", retry)
		pause(r.ctx, retry)
	}
	failed.Position = r.shared.Applied()
	r.owner.post(failed)
	return false
}
