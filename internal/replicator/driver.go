package replicator

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baristadb/barista/internal/budget"
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// Journal is the durable record of this node. Append may run beside Entries.
type Journal interface {
	// Append writes records; with Durable they are on disk when it returns.
	Append(records []paxos.Record, durable bool) error
	// Entries returns chosen entries from from to to, at least one if there is one, about maxBytes at most.
	Entries(from, to paxos.Index, maxBytes int) ([]paxos.Entry, error)
	Floor() paxos.Floor
	Purge(floor paxos.Floor) error
	Size() int64
}

// Network sends messages, with their stamps, to a node. It never blocks; what cannot be sent is lost.
type Network interface {
	Send(to paxos.NodeID, messages []paxos.Outgoing)
}

// Server is the local PostgreSQL server as the driver sees it. None of its methods may block; those that take time answer with events.
type Server interface {
	// Address names the start of the server that the calls that follow are for; any other ignores them.
	Address(start uint64)
	SetLease(end paxos.Instant)
	OpenGate(epoch paxos.Ballot)
	SetIDLimit(limit changeset.IDLimit)
	CloseGate() // sets the flag before it returns; GateClosed follows
	DrainGate() // sets the flag when no backend waits any more, or soon; GateClosed follows
	Answer(answers []Answer)
	Apply(batch *Batch) // Applied or ApplyFailed follows
	Mark(mark *Mark)    // MarkDone follows
	Rebuild()           // by a base backup; ServerLost and ServerStarted follow
	Diverged(why string)
	Joined(joined Joined)
	Replied(reply Reply)
	Survey(survey Survey) // Surveyed follows
}

const (
	maxDrain    = 512                  // events taken before their output is obeyed
	learnDelay  = 4 * time.Millisecond // how long followers wait to be told at most
	peerReadMax = 1 << 20              // bytes of entries in one message
)

// Driver obeys a Replicator: one goroutine steps it, one writes the journal, one reads it.
type Driver struct {
	replicator *Replicator
	journal    Journal
	network    Network
	server     Server
	clock      func() paxos.Instant
	tick       time.Duration
	log        *slog.Logger
	noRoom     func(error) bool

	events     chan Event     // from disk, network and server
	received   *budget.Budget //  of the messages in events
	submitted  chan Event     // from backends: not read while too much is pending
	large      chan Event     // likewise, and without a buffer
	chunks     chan Event     // likewise
	taken      []Event        // what is being stepped
	works      chan diskWork
	backlog    *budget.Budget // of the records in works, and of those that are being written
	lazy       uint64         // the last Work that was written and not made durable; used by write alone
	dirty      bool           // something was written and not made durable; likewise
	reads      chan func()
	written    atomic.Uint64 // every Work up to here is durable; told through wrote, because the writer must never wait for the loop
	purgedTo   atomic.Uint64
	wrote      chan struct{}
	full       atomic.Pointer[string] // why the journal takes nothing; empty: it has room. Told through wrote, too
	knownFull  *string                // what the replicator knows of that
	status     atomic.Pointer[Status]
	watchers   watchers
	failure    chan error
	goroutines sync.WaitGroup
}

// DriverConfig joins a Driver's parts.
type DriverConfig struct {
	Replicator *Replicator
	Journal    Journal
	Network    Network
	Server     Server
	Clock      func() paxos.Instant // CLOCK_BOOTTIME
	Tick       time.Duration
	Log        *slog.Logger
	NoRoom     func(error) bool // an error of Journal that has changed nothing, and will pass; nil: there is none
}

// NewDriver makes a driver; Run must be called.
func NewDriver(c DriverConfig) *Driver {
	d := &Driver{
		replicator: c.Replicator, journal: c.Journal, network: c.Network, server: c.Server,
		clock: c.Clock, tick: c.Tick, log: c.Log, noRoom: c.NoRoom,
		events: make(chan Event, 4096), submitted: make(chan Event, 1024), large: make(chan Event), chunks: make(chan Event),
		received: budget.New(maxReceived), backlog: budget.New(maxBacklog),
		works: make(chan diskWork, 1024), reads: make(chan func(), 64), failure: make(chan error, 1), wrote: make(chan struct{}, 1),
	}
	d.knownFull = new(string)
	d.full.Store(d.knownFull)
	d.publish()
	return d
}

// Post hands an event to the driver. It blocks while the queue is full, or holds too many bytes, until ctx ends.
func (d *Driver) Post(ctx context.Context, e Event) {
	if message, ok := e.(Received); ok && d.received.Take(ctx, message.Bytes) != nil {
		return
	}
	select {
	case d.events <- e:
	case <-ctx.Done():
	}
}

// Submit hands over an event of a backend. It blocks while too much is pending. The events of one goroutine stay in order: a chunk has
// been taken when Submit returns, and so has a large change set: what waits holds no more memory than the backends' connections do.
func (d *Driver) Submit(ctx context.Context, e Event) {
	queue := d.submitted
	if _, chunk := e.(ChunkSubmitted); chunk {
		queue = d.chunks
	} else if bytesOf(e) > smallEvent {
		queue = d.large
	}
	select {
	case queue <- e:
	case <-ctx.Done():
	}
}

// Status returns a recent state.
func (d *Driver) Status() Status { return *d.status.Load() }

// Run obeys the replicator until ctx ends or the journal fails, and then waits for its goroutines.
func (d *Driver) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	d.goroutines.Add(2)
	go func() { // ends with ctx, or when the journal fails, and then ends ctx; Run waits for it
		defer cancel()
		d.write(ctx)
	}()
	go d.readJournal(ctx) // ends with ctx; Run waits for it
	d.loop(ctx)
	cancel()
	d.goroutines.Wait()
	select {
	case err := <-d.failure:
		return err
	default:
		return nil
	}
}

func (d *Driver) loop(ctx context.Context) {
	ticker := time.NewTicker(d.tick)
	defer ticker.Stop()
	learn, gather := newAlarm(), newAlarm()
	for {
		queues := d.fromBackends()
		ticked := false
		var e Event
		select {
		case <-ctx.Done():
			return
		case <-d.wrote:
		case e = <-d.events:
		case e = <-queues.submitted:
		case e = <-queues.large:
		case e = <-queues.chunks:
		case <-ticker.C:
			e, ticked = Tick{}, true
		case <-learn.timer.C:
			e, learn.set = FlushLearn{}, false
		case <-gather.timer.C:
			e, gather.set = Gathered{}, false
		}
		d.stepAll(e)
		out := d.replicator.Output()
		d.obey(ctx, out)
		if out.LearnSoon {
			learn.in(learnDelay)
		}
		if out.Gather > 0 {
			gather.in(time.Duration(out.Gather))
		}
		changed := ticked || out.OpenGate != 0 || out.CloseGate || d.changed()
		d.publish()
		if changed {
			d.watchers.wake()
		}
	}
}

// alarm is a timer that a second order does not put off.
type alarm struct {
	timer *time.Timer
	set   bool
}

func newAlarm() alarm {
	a := alarm{timer: time.NewTimer(time.Hour)}
	a.timer.Stop()
	return a
}

func (a *alarm) in(d time.Duration) {
	if !a.set {
		a.set = true
		a.timer.Reset(d)
	}
}

// stepAll steps an event (nil: the writer has done something) and what has come in meanwhile, so that it makes one batch.
//
// The clock is read once for all of them, because that is a system call, and only when the last of them is taken: a lease that is granted to a
// heartbeat counts from here. Were it read before, then
//
//  1. this process could be paused for a minute between the reading and the taking,
//  2. the leader's next heartbeat be taken, and acknowledged with a lease that ended a minute ago,
//  3. and the next event find no lease and promise somebody else, while the leader trusts what was acknowledged.
func (d *Driver) stepAll(first Event) {
	d.taken = d.taken[:0]
	if first != nil {
		d.taken = append(d.taken, first)
	}
	wrote := d.drain() || first == nil
	now := d.clock()
	if wrote {
		d.noteWritten(now)
	}
	for _, e := range d.taken {
		d.replicator.Step(now, e)
		if message, ok := e.(Received); ok {
			d.received.Give(message.Bytes)
		}
	}
	clear(d.taken)
}

// drain takes what has come in, and reports whether the writer has done something.
func (d *Driver) drain() (wrote bool) {
	queues := d.fromBackends()
	for taken, size := 0, 0; taken < maxDrain && size < maxDrainSize; taken++ {
		var e Event
		select {
		case <-d.wrote:
			wrote = true
			continue
		case e = <-d.events:
		case e = <-queues.submitted:
		case e = <-queues.large:
		case e = <-queues.chunks:
		default:
			return wrote
		}
		d.taken = append(d.taken, e)
		size += bytesOf(e)
	}
	return wrote
}

// backendQueues are those from which backends' events are taken; nil: not now.
type backendQueues struct{ submitted, large, chunks <-chan Event }

// fromBackends returns the queues to take from: none while too much is pending. Chunks come in only as fast as the disk takes them, so that
// what is small finds no more than a part of a second's writing before it.
func (d *Driver) fromBackends() (q backendQueues) {
	if !d.replicator.Busy() {
		q.submitted, q.large = d.submitted, d.large
	}
	if !d.replicator.BusyWithChunks() && d.backlog.Taken() < fullBacklog {
		q.chunks = d.chunks
	}
	return q
}

// noteWritten tells the replicator what the writer has done since.
func (d *Driver) noteWritten(now paxos.Instant) {
	if full := d.full.Load(); full != d.knownFull {
		d.knownFull = full
		d.replicator.Step(now, JournalFull{Why: *full})
	}
	if seq := d.written.Load(); seq > 0 {
		d.replicator.Step(now, Synced{Seq: seq})
	}
	if to := d.purgedTo.Load(); to > 0 {
		d.replicator.Step(now, Purged{To: paxos.Index(to)})
	}
}

// tell wakes the loop after written or purgedTo has moved.
func (d *Driver) tell() {
	select {
	case d.wrote <- struct{}{}:
	default:
	}
}

// obey does what an Output asks, in the order of its fields.
func (d *Driver) obey(ctx context.Context, out Output) {
	d.server.Address(out.Start)
	if out.CloseGate {
		d.server.CloseGate()
	}
	d.server.SetLease(out.Lease) // before the messages: a change of membership can shorten it
	if out.IDLimit != 0 {
		d.server.SetIDLimit(out.IDLimit)
	}
	for _, work := range out.Works {
		d.send(work.Messages)
		if len(work.Records) > 0 || len(work.AfterDurable) > 0 {
			d.toDisk(ctx, diskWork{work: work})
		}
	}
	if len(out.Answers) > 0 {
		d.server.Answer(out.Answers)
	}
	if out.DrainGate {
		d.server.DrainGate()
	}
	if out.OpenGate != 0 {
		d.server.OpenGate(out.OpenGate)
	}
	for _, request := range out.PeerReads {
		d.readLater(ctx, func() { d.readForPeer(request) })
	}
	if out.Read != nil {
		read := *out.Read
		d.readLater(ctx, func() { d.readForServer(ctx, read) })
	}
	if out.Apply != nil {
		out.Apply.ReadFrom(d.journal.Entries)
		d.server.Apply(out.Apply)
	}
	if out.Mark != nil {
		d.server.Mark(out.Mark)
	}
	for _, joined := range out.Joins {
		d.server.Joined(joined)
	}
	for _, reply := range out.Replies {
		d.server.Replied(reply)
	}
	if out.Survey != nil {
		d.publish() // for whoever answers looks whether this node leads, and it may do so since this step
		d.server.Survey(*out.Survey)
	}
	if out.Purge != nil {
		d.toDisk(ctx, diskWork{purge: out.Purge})
	}
	if out.Backup {
		d.server.Rebuild()
	}
	if out.Diverged != "" {
		d.server.Diverged(out.Diverged)
	}
}

// toDisk hands work to the writer. It waits while the disk is that far behind: for one write at a time, which takes less than a lease.
func (d *Driver) toDisk(ctx context.Context, w diskWork) {
	w.size = bytesOfRecords(w.work.Records)
	w.bytes = w.size
	if d.backlog.Take(ctx, w.bytes) != nil {
		return
	}
	select {
	case d.works <- w:
	case <-ctx.Done():
	}
}

// send groups messages by receiver, keeping their order.
func (d *Driver) send(messages []paxos.Outgoing) {
	for len(messages) > 0 {
		to := messages[0].To
		var batch []paxos.Outgoing
		rest := messages[:0:0]
		for _, m := range messages {
			if m.To == to {
				batch = append(batch, m)
			} else {
				rest = append(rest, m)
			}
		}
		d.network.Send(to, batch)
		messages = rest
	}
}

func (d *Driver) changed() bool {
	s := d.status.Load()
	return s.Phase != d.replicator.phase || s.Leader != d.replicator.paxos.Leader() || s.Suspended != d.replicator.paxos.Suspended() ||
		s.Disowned != d.replicator.paxos.Disowned() || s.Odd != d.replicator.different.odd
}

func (d *Driver) publish() {
	s := d.replicator.Status()
	d.status.Store(&s)
}

// Watch returns a channel that is closed at the next change of Status.
func (d *Driver) Watch() <-chan struct{} { return d.watchers.next() }

// watchers lets any number of goroutines wait for the next change.
type watchers struct {
	mu sync.Mutex // guards ch
	ch chan struct{}
}

func (w *watchers) next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ch == nil {
		w.ch = make(chan struct{})
	}
	return w.ch
}

func (w *watchers) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ch != nil {
		close(w.ch)
		w.ch = nil
	}
}

// diskWork is one task of the goroutine that writes the journal.
type diskWork struct {
	work  Work
	purge *paxos.Floor
	sync  bool // make durable what was written before
	size  int  // of its records, in bytes
	bytes int  // of that, what is taken from the backlog
}

// lazyLimit is how long a record that needs no sync of its own stays without one.
const lazyLimit = 200 * time.Millisecond

// write makes records durable, what has gathered in one go, then sends what waited for them.
func (d *Driver) write(ctx context.Context) {
	defer d.goroutines.Done()
	ticker := time.NewTicker(lazyLimit)
	defer ticker.Stop()
	for {
		var first diskWork
		select {
		case <-ctx.Done():
			return
		case first = <-d.works:
		case <-ticker.C:
			if d.lazy == 0 {
				continue
			}
			first = diskWork{sync: true}
		}
		if err := d.persist(ctx, d.gather(first)); err != nil {
			d.failure <- err
			return
		}
	}
}

// gather returns work and what waits behind it, as much as one write may hold.
func (d *Driver) gather(first diskWork) []diskWork {
	batch, bytes := []diskWork{first}, first.bytes
	for bytes < maxWrite && batch[len(batch)-1].purge == nil {
		select {
		case w := <-d.works:
			batch = append(batch, w)
			bytes += w.bytes
		default:
			return batch
		}
	}
	return batch
}

func (d *Driver) writeBatch(batch []diskWork) error {
	var records []paxos.Record
	durable := false
	var seq uint64
	var bytes int
	var after []paxos.Outgoing
	for _, w := range batch {
		bytes += w.bytes
		durable = durable || w.sync
		for _, record := range w.work.Records {
			if _, lazy := record.(paxos.ChosenRecord); !lazy {
				durable = true
			}
			records = append(records, record)
		}
		seq = max(seq, w.work.Seq)
		after = append(after, w.work.AfterDurable...)
	}
	d.lazy = max(d.lazy, seq)
	durable = durable || len(after) > 0
	d.dirty = d.dirty || len(records) > 0
	if len(records) > 0 || durable && d.dirty {
		if err := d.journal.Append(records, durable); err != nil {
			return fmt.Errorf("write the journal: %w", err)
		}
	}
	d.backlog.Give(bytes)
	if durable {
		d.dirty = false
		d.send(after)
		d.written.Store(max(d.written.Load(), d.lazy))
		d.lazy = 0
		d.tell()
	}
	if floor := batch[len(batch)-1].purge; floor != nil {
		if err := d.journal.Purge(*floor); err != nil {
			return fmt.Errorf("purge the journal below %d: %w", floor.Index, err)
		}
		d.purgedTo.Store(uint64(floor.Index))
		d.tell()
	}
	return nil
}

// readLater queues a read of the journal.
func (d *Driver) readLater(ctx context.Context, read func()) {
	select {
	case d.reads <- read:
	default:
		go func() { // ends when the reader takes it, or with ctx; at most one for each peer and one for the server
			select {
			case d.reads <- read:
			case <-ctx.Done():
			}
		}()
	}
}

func (d *Driver) readJournal(ctx context.Context) {
	defer d.goroutines.Done()
	for {
		select {
		case <-ctx.Done():
			return
		case read := <-d.reads:
			read()
		}
	}
}

// readForPeer sends a peer what it misses: entries, or this journal's floor when they are gone.
func (d *Driver) readForPeer(request paxos.ReadRequest) {
	version := d.Status().Members.Version
	if floor := d.journal.Floor(); request.From <= floor.Index {
		d.network.Send(request.To, []paxos.Outgoing{{Message: paxos.FloorState{Version: version, Floor: floor}}})
		return
	}
	entries, err := d.journal.Entries(request.From, request.Until, peerReadMax)
	if err != nil {
		d.log.Error("the journal cannot be read for a peer", "from", request.From, "error", err)
		return
	}
	if len(entries) > 0 {
		message := paxos.Entries{Version: version, First: request.From, Entries: entries, ChosenTo: request.Until}
		d.network.Send(request.To, []paxos.Outgoing{{Message: message}})
	}
}

func (d *Driver) readForServer(ctx context.Context, read Read) {
	entries, err := d.journal.Entries(read.From, read.To, peerReadMax)
	if err != nil {
		d.log.Error("the journal cannot be read for the server", "from", read.From, "error", err)
	}
	d.Post(ctx, EntriesRead{From: read.From, Entries: entries})
}
