package replicator

import (
	"fmt"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// cursor walks the order for the local server: everything below next is applied or handed out.
type cursor struct {
	active   bool               // the server runs with a closed gate
	next     paxos.Index        // the next entry to hand out
	position changeset.Position // the server's applied position, as it last said
	handed   changeset.Position // the applied position once everything handed out is applied

	partial  int         // databases of the sequence entry at next that were handed out
	number   uint64      // of the last batch
	out      *Batch      // handed out and not answered
	mark     *Mark       // waits for its snapshot
	stale    bool        // the sequences are still to be overwritten with the states that hold where the server stands
	shown    paxos.Index // the server was found with everything up to there, the states of sequences too
	refresh  []Batch
	pieces   pieces
	replay   map[paxos.Index]*Placed // read back from the journal, consumed in order
	reading  bool
	diverged string

	more    bool          // there was more to hand out than one batch may hold
	waiting int           // bytes of the entries that were placed since the last look at them
	due     paxos.Instant // until then a follower lets them gather

	readAgain paxos.Instant // the journal had nothing to give; not before
}

// readPatience is how long to wait after the journal could not give what was asked of it.
const readPatience = paxos.Span(100e6)

// done is the last index whose effects the server shows.
func (c *cursor) done() paxos.Index {
	switch {
	case c.next == 0:
		return 0
	case c.out != nil:
		return min(c.next-1, paxos.Index(c.position.Index()))
	default:
		return c.next - 1
	}
}

// reset sets the cursor to a server that shows everything up to position.
func (r *Replicator) resetCursor(position changeset.Position) {
	c := &r.cursor
	*c = cursor{
		active: true, number: c.number, diverged: c.diverged,
		position: position, handed: position, next: r.order.resumeAt(position),
		pieces: make(pieces), replay: make(map[paxos.Index]*Placed),
	}
	c.stale, c.shown = true, paxos.Index(position.Index())
}

// freshen reports whether the sequences are as they must be where the server was found. A server may be ahead of what its node knows to be chosen,
// with a base backup for example; then the log has to come so far first. What it tells of sequences below is not applied: by now another
// one may go by the name.
func (r *Replicator) freshen() bool {
	c := &r.cursor
	if c.stale && (r.order.Head() >= c.shown || planted("refresh before the log has come so far")) {
		c.stale, c.refresh = false, r.order.refreshBatches(c.position)
	}
	return !c.stale
}

// refreshBatches moves a server's counter of transaction ids to the limit, the newest that there is, and overwrites every sequence of a server at a position with its agreed state there: a former leader, and a copy of one, is
// ahead of what was agreed.
func (o *Order) refreshBatches(at changeset.Position) []Batch {
	states := o.sequences.at(at)
	if planted("refresh with the states of the head") {
		states = o.sequences.head
	}
	byDatabase, names := groupByDatabase(states.sorted())
	batches := []Batch{{Database: anyDatabase, Items: []Item{{IDLimit: o.refreshedIDs()}}}}
	for _, database := range names {
		batches = append(batches, Batch{Database: database, Items: []Item{{Sequences: byDatabase[database]}}})
	}
	return batches
}

// feed hands the next batch to the server, if it is idle and there is something to do.
func (r *Replicator) feed() {
	c := &r.cursor
	if !c.active || c.out != nil || c.mark != nil || r.different.odd != "" {
		return
	}
	c.pieces.release(r.paxos.DurableTo())
	if !r.freshen() {
		return
	}
	if len(c.refresh) > 0 {
		batch := c.refresh[0]
		c.refresh = c.refresh[1:]
		r.hand(batch)
		return
	}
	if r.gathering() {
		r.out.Gather = paxos.Span(c.due - r.now)
		return
	}
	c.waiting = 0
	var batch Batch
	bytes := 0
	for c.next <= r.order.Head() && batch.sets < r.applyLimit() && bytes < r.cfg.ApplyBatchBytes {
		placed := r.fetch(c.next)
		if placed == nil && planted("applying past a gap") {
			c.next++
			continue
		}
		if placed == nil {
			break
		}
		if placed.Kind == paxos.KindMark && placed.Index > r.marked {
			if len(batch.Items) > 0 {
				break
			}
			c.next++
			c.mark = &Mark{ID: placed.Mark, Index: placed.Index, Position: c.handed}
			r.out.Mark = c.mark
			return
		}
		taken := c.take(placed, &batch, r.applyLimit())
		if placed.Kind != paxos.KindChunk { // it adds nothing to the batch yet
			bytes += placed.Bytes
		}
		if !taken {
			break
		}
		delete(c.replay, c.next)
		c.next++
	}
	if len(batch.Items) > 0 {
		batch.Predecessor = c.handed
		c.more = c.next <= r.order.Head()
		r.hand(batch)
	}
}

// More than either is applied at once.
const (
	gatherEntries = 64
	gatherBytes   = 256 << 10
)

// gathering reports whether a follower waits for more to apply in one local transaction: each costs it as much as several change sets
// do. Nobody waits for what it applies but those who look at this server, and a leader is not to be found behind.
func (r *Replicator) gathering() bool {
	c := &r.cursor
	head := r.order.Head()
	return r.now < c.due && c.next <= head && head < c.next+gatherEntries && c.waiting < gatherBytes &&
		r.phase == Following && r.paxos.Role() == paxos.Follower && r.paxos.Leader() != 0
}

func (r *Replicator) hand(batch Batch) {
	c := &r.cursor
	c.number++
	batch.Number = c.number
	batch.Predecessor = c.handed
	if batch.Position == 0 {
		batch.Position = c.handed
	}
	c.out = &batch
	c.handed = batch.Position
	r.out.Apply = c.out
}

// take adds what the server has not yet applied of an entry to a batch. It returns false when the entry has to come again, because the
// batch must end before or within it.
func (c *cursor) take(p *Placed, batch *Batch, limit int) bool {
	if p.Void {
		return true
	}
	switch p.Kind {
	case paxos.KindChunk:
		if p.Chunk.Ordinal == discardChunk {
			delete(c.pieces, p.Chunk.ID)
		} else {
			c.pieces.add(p)
		}
	case paxos.KindEpochOpen:
		clear(c.pieces)
	case paxos.KindSequence:
		if p.Index <= c.shown && !planted("states below a server applied again") {
			return true
		}
		return c.takeSequences(p.Sequences, batch)
	case paxos.KindIDLimit:
		return c.takeIDLimit(p.IDLimit, batch)
	case paxos.KindChangeSets:
		for k := range p.Sets {
			if p.Position(k) <= max(c.handed, batch.Position) && !planted("double apply after step-down") {
				delete(c.pieces, p.Sets[k].ID) // applied before
				continue
			}
			if batch.sets >= limit || !c.takeSet(&p.Sets[k], p.Position(k), batch) {
				return false
			}
		}
	}
	return true
}

// takeSequences adds sequence states; those of one entry may lie in several databases, which then come one after the other. A sequence that
// is missing is no error: its creation travels in its own change set, so a state that meets none is only late.
func (c *cursor) takeSequences(states []changeset.SequenceState, batch *Batch) bool {
	byDatabase, names := groupByDatabase(states)
	for _, database := range names[c.partial:] {
		if len(batch.Items) > 0 && (batch.Database != database || batch.alone()) {
			return false
		}
		batch.Database = database
		batch.Items = append(batch.Items, Item{Sequences: byDatabase[database]})
		c.partial++
	}
	c.partial = 0
	return true
}

// groupByDatabase returns the states of each database, and the databases in order of first use.
func groupByDatabase(states []changeset.SequenceState) (byDatabase map[string][]changeset.SequenceState, names []string) {
	byDatabase = make(map[string][]changeset.SequenceState)
	for _, s := range states {
		if byDatabase[s.Database] == nil {
			names = append(names, s.Database)
		}
		byDatabase[s.Database] = append(byDatabase[s.Database], s)
	}
	return byDatabase, names
}

// takeSet adds one change set. DDL, and a set that came in chunks, are local transactions of their own.
func (c *cursor) takeSet(set *changeset.ChangeSet, at changeset.Position, batch *Batch) bool {
	alone := set.Flags&aloneFlags != 0
	if len(batch.Items) > 0 && (alone || batch.alone() || batch.Database != set.Database) {
		return false
	}
	item := Item{Set: set}
	if set.Flags&changeset.Last != 0 {
		item.pieces = c.pieces[set.ID]
		if uint32(len(item.pieces)) != set.Chunks {
			panic(fmt.Sprintf("replicator: change set %v at %v has %d of %d chunks", set.ID, at, len(item.pieces), set.Chunks))
		}
		delete(c.pieces, set.ID)
	}
	batch.Database = set.Database
	batch.Items = append(batch.Items, item)
	batch.sets++
	batch.Position = at
	return true
}

// aloneFlags are those of a change set that is a local transaction of its own, and may take long.
const aloneFlags = changeset.HasDDL | changeset.Last

// alone reports whether the batch is a change set that takes nothing beside it; that is then its first and only item.
func (b *Batch) alone() bool {
	return len(b.Items) > 0 && b.Items[0].Set != nil && b.Items[0].Set.Flags&aloneFlags != 0
}

// fetch returns the placed entry at index i from memory, or asks for it to be read from the journal.
func (r *Replicator) fetch(i paxos.Index) *Placed {
	if p := r.recent.at(i); p != nil {
		return p
	}
	c := &r.cursor
	if p := c.replay[i]; p != nil {
		return p
	}
	if !c.reading && r.now >= c.readAgain {
		to := r.order.Head()
		if first := r.recent.first(); first > i {
			to = first - 1
		}
		c.reading = true
		r.out.Read = &Read{From: i, To: to}
	}
	return nil
}

func (r *Replicator) entriesRead(e EntriesRead) {
	c := &r.cursor
	c.reading = false
	if len(e.Entries) == 0 {
		c.readAgain = r.now + paxos.Instant(readPatience)
	}
	if !c.active || e.From != c.next {
		return
	}
	for _, entry := range e.Entries {
		placed, err := r.order.Replay(entry)
		if err != nil {
			panic(fmt.Sprintf("replicator: entry %d of the own journal: %v", entry.Index, err))
		}
		c.replay[entry.Index] = placed
	}
}

func (r *Replicator) applied(e Applied) {
	c := &r.cursor
	if c.out == nil || e.Batch != c.out.Number {
		return // of a server that is gone
	}
	c.out = nil
	c.position = e.Position
	if !c.more {
		c.due = r.now.Add(r.cfg.ApplyGather)
	}
}

func (r *Replicator) applyFailed(e ApplyFailed) {
	c := &r.cursor
	if c.out == nil || e.Batch != c.out.Number {
		return
	}
	if e.Divergence == "" {
		r.noteFailure(e.Reason, e.Code)
		r.resetCursor(e.Position)
		return
	}
	c.diverged = e.Divergence
	c.active = false
	c.out = nil
	r.server = serverDiverged
	r.out.Diverged = e.Divergence
}
