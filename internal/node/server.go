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

	permissions *permissions
	status      func() replicator.Status
	watchStatus func() <-chan struct{} // closed at the next change of that
	minFree     int64                  // bytes of the disk that are to stay free

	replies *tickets[replicator.Reply] // to operators

	mu      sync.RWMutex // guards current: whoever uses it holds a read lock, so that its end waits
	current *run         // nil while no server runs
	target  uint64       // the start that the driver's calls are for; used by the driver's goroutine alone

	renewal renewing

	state    atomic.Value                    // admin.ServerState, for people
	troubles admin.Troubles                  // for people, too
	copying  atomic.Pointer[copying]         // a base backup that is under way
	took     atomic.Pointer[verify.Progress] // what the server has taken last of a batch; nil: nothing yet
	aside    atomic.Pointer[setAside]        // indexes that are
	deadly   map[gate.Suspect]int            // how often the server ended while an index's functions ran; used by keep alone
	past     map[gate.Suspect]indexPast      // of indexes that have failed; used by keep, and while a server runs by its indexKeeper
}

// run is one start of the server.
type run struct {
	owner    *localServer
	server   *postgres.Server
	shared   *gate.Shared
	gate     *gate.Gate
	ctx      context.Context // ends when this start ends
	stop     context.CancelCauseFunc
	apply    chan *replicator.Batch
	opened   atomic.Bool   // the gate was opened and not closed by the driver
	leads    chan struct{} // holds a token when the gate was opened
	diverged chan string   // holds why the server must not go on
	keeper   *indexKeeper  // used by start, then by the goroutine that applies
	stands   standstill
	tasks    sync.WaitGroup
}

func newLocalServer(pg postgres.Config, id paxos.NodeID, log *slog.Logger) *localServer {
	s := &localServer{
		pg: pg, node: id, log: log,
		replies: newTickets[replicator.Reply](), renewal: renewing{wanted: make(chan string, 1)}, deadly: make(map[gate.Suspect]int), past: make(map[gate.Suspect]indexPast),
	}
	s.state.Store(admin.ServerStarting)
	s.aside.Store(&setAside{})
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

// State is a word for people. A server that fails again and again is not said to start between two tries.
func (s *localServer) State() admin.ServerState {
	state := s.state.Load().(admin.ServerState)
	if state == admin.ServerStarting && s.troubles.Lasting(admin.ServerFails, time.Now()) {
		return admin.ServerFailed
	}
	return state
}

// keep runs the server until ctx ends: start, serve, bury, again.
func (s *localServer) keep(ctx context.Context) {
	delay := restartDelayMin
	for ctx.Err() == nil {
		began := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > restartCalm {
			delay = restartDelayMin
		}
		s.renewal.starts.note(err)
		s.noteEnd(err)
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

// once is one life of the server. Whatever ends it, no process of it is left when once returns.
func (s *localServer) once(ctx context.Context) error {
	if err := s.provideData(ctx); err != nil {
		return err
	}
	s.state.Store(admin.ServerStarting)
	r, started, err := s.start(ctx)
	if err != nil {
		return failedStart{err}
	}
	s.setCurrent(r)
	s.state.Store(admin.ServerRunning)
	s.troubles.Well(admin.ServerFails, time.Now())
	s.log.Info("the server runs", "applied", started.Applied.String())
	s.post(started)
	s.renewal.starts.clear()
	r.tasks.Go(func() { s.keepData(r) }) // ends when that is done, or with r.ctx; end waits for it
	err = s.watch(ctx, r)
	s.state.Store(admin.ServerStarting)
	s.setCurrent(nil)
	r.end(ctx, err)
	s.post(replicator.ServerLost{})
	switch {
	case errors.Is(err, apply.ErrDiverged):
		s.log.Error("the server is stopped; this node goes on voting, and the server's data are fetched anew from a peer when the leader permits it",
			"reason", err, "after", divergedFor)
		s.state.Store(admin.ServerStopped)
		s.marks.halt(err)
		defer s.marks.resume()
		return s.rest(ctx)
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
	case why := <-s.renewal.wanted:
		return s.renewal.want(why)
	case why := <-r.diverged:
		return fmt.Errorf("%w: %s", apply.ErrDiverged, why)
	}
}

// start makes a new mapped file and gate, starts the server on them, and reads how far it has applied.
func (s *localServer) start(ctx context.Context) (r *run, started replicator.ServerStarted, err error) {
	if err := postgres.KillStale(ctx, s.pg.DataDir); err != nil { // before their mapped file and gate are taken away
		return nil, started, err
	}
	if err := s.pg.PrepareFolders(); err != nil {
		return nil, started, err
	}
	id := newStartID()
	shared, err := gate.NewShared(s.pg.SharedFile, id, s.node)
	if err != nil {
		return nil, started, err
	}
	r = &run{owner: s, shared: shared, apply: make(chan *replicator.Batch, 1), leads: make(chan struct{}, 1), diverged: make(chan string, 1)}
	r.keeper = newIndexKeeper(r)
	r.ctx, r.stop = context.WithCancelCause(ctx)
	bring := func(e replicator.Event) { s.bring(r.ctx, e) }
	if r.gate, err = gate.Listen(s.pg.GateSocket, id, bring, s.log); err != nil {
		r.stop(err)
		return nil, started, errors.Join(err, shared.Unmap())
	}
	r.tasks.Go(r.serveGate) // ends with the gate, which end closes
	pg := s.pg
	pg.Suspect = r.standsStill
	if r.server, err = pg.Start(ctx); err != nil {
		r.end(ctx, err)
		return nil, started, err
	}
	started, err = r.readApplied(ctx)
	if err == nil {
		err = r.emptyUnlogged(ctx, r.keeper.findBy)
	}
	if err == nil {
		err = r.keeper.lookAfterStart(ctx)
	}
	if err != nil {
		r.end(ctx, err)
		return nil, started, err
	}
	r.tasks.Go(r.applyBatches) // ends with r.ctx; end waits for it
	r.tasks.Go(r.watchGate)    // likewise
	return r, started, nil
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

// readApplied makes the server read its position from the origin's progress, and returns that and what else the driver has to know of it.
func (r *run) readApplied(ctx context.Context) (replicator.ServerStarted, error) {
	started := replicator.ServerStarted{Start: r.shared.Start()}
	conn, err := pgx.ConnectConfig(ctx, r.server.ConnConfig())
	if err != nil {
		return started, fmt.Errorf("ask the server for its position: %w", err)
	}
	defer conn.Close(ctx)
	var position int64
	const ask = "SELECT pg_catalog.barista_start(), pg_catalog.current_setting('track_commit_timestamp')::bool"
	if err := conn.QueryRow(ctx, ask).Scan(&position, &started.KeepsTimes); err != nil {
		return started, fmt.Errorf("ask the server for its position: %w", err)
	}
	started.Applied = changeset.Position(position)
	return started, nil
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
	if suspect := r.shared.Suspect(); suspect.Index != 0 && ctx.Err() == nil {
		r.owner.noteDeadly(suspect)
	}
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

// flushed makes the commits of the running start of the server durable, and returns which start that is and up to which position. It is an error while
// there are still data before those of the server, which may lack some of that: the next start may go back to them.
func (s *localServer) flushed(ctx context.Context) (start uint64, p changeset.Position, err error) {
	proven := false
	if !s.with(func(r *run) { start, proven = r.shared.Start(), s.renewal.proven.Load() }) {
		return 0, 0, errors.New("the server does not run")
	}
	if !proven {
		return 0, 0, errUnproven
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

var errUnproven = errors.New("the data of the server have not proved their worth yet")

// SetLease implements replicator.Server.
func (s *localServer) SetLease(end paxos.Instant) {
	s.addressed(func(r *run) { r.shared.SetLease(end) })
}

// OpenGate implements replicator.Server.
func (s *localServer) OpenGate(epoch paxos.Ballot) {
	s.addressed(func(r *run) {
		r.shared.Open(epoch)
		r.opened.Store(true)
		select {
		case r.leads <- struct{}{}:
		default:
		}
		r.tasks.Go(r.askForIDs) // ends when the driver takes it; end waits for it
		s.log.Info("the gate is open", "epoch", epoch.String())
	})
}

// SetIDLimit implements replicator.Server.
func (s *localServer) SetIDLimit(limit changeset.IDLimit) {
	s.addressed(func(r *run) { r.shared.SetIDLimit(limit) })
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

// Rebuild implements replicator.Server. What is behind every log is fetched anew without anybody's permission: the data are kept until they are
// replaced.
func (s *localServer) Rebuild() { s.renewal.ask(tooOld) }

// Diverged implements replicator.Server. It says nothing of a later start: that would rest for ever, because the replicator, which has found it in
// order, waits for no other data.
func (s *localServer) Diverged(why string) {
	s.addressed(func(r *run) {
		select {
		case r.diverged <- why:
		default:
		}
	})
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
		r.askForIDs()
		if r.opened.Load() && r.shared.Closed() {
			r.opened.Store(false)
			r.owner.log.Warn("the server has closed its gate; this node steps down")
			r.owner.post(replicator.GateFailed{})
		}
	}
}

// askForIDs has more transaction ids agreed on, if the server wants them.
func (r *run) askForIDs() {
	if limit, wanted := r.shared.IDLimit(); r.opened.Load() && wanted > limit {
		r.owner.post(replicator.IDsWanted{Limit: wanted})
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
	if err := r.emptyUnlogged(ctx, nil); err != nil {
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
	so := attempts{retry: applyRetryMin}
	for {
		select {
		case <-r.ctx.Done():
			return
		case batch := <-r.apply:
			r.applyOne(applier, batch, &so)
		case <-r.leads:
			r.keeper.hurry()
		case <-r.keeper.next():
			r.keeper.rebuild(r.ctx)
		}
	}
}

func (r *run) applyOne(applier *apply.Applier, batch *replicator.Batch, so *attempts) {
	applier.WithoutFunctions = r.keeper.without
	r.stands.applying.Store(true)
	err := applier.Apply(r.ctx, batch)
	r.stands.applying.Store(false)
	if err == nil {
		if so.applied(batch) {
			r.owner.troubles.Well(admin.ApplyFails, time.Now())
		}
		r.owner.post(replicator.Applied{Batch: batch.Number, Position: batch.Position})
		if moves(batch) {
			r.keeper.applied(r.ctx, batch.Database)
		}
		return
	}
	if r.ctx.Err() != nil {
		return
	}
	failed := replicator.ApplyFailed{Batch: batch.Number, Reason: err.Error(), Code: apply.Code(err)}
	blamed, done := r.keeper.accuse(r.ctx, batch.Database, err)
	switch {
	case done:
	case errors.Is(err, apply.ErrDiverged) && !blamed:
		failed.Divergence = err.Error()
	default:
		r.owner.log.Warn("a batch was not applied; it is tried again", "error", err, "in", so.retry)
		r.owner.troubles.Failed(admin.ApplyFails, err.Error(), time.Now())
		pause(r.ctx, so.retry)
		so.failed(batch)
	}
	failed.Position = r.shared.Applied()
	r.owner.post(failed)
}
