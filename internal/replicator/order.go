package replicator

import (
	"fmt"
	"sort"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// Order is the one order of change sets, as a function of the chosen entries: it gives each its place or finds it void. Every node
// computes the same one, so nothing of it travels.
//
// The void rule: an entry is void if its epoch is lower than the greatest epoch that is opened, or that fills a gap with a no-op, at any
// lower index. Without the first half a leftover of an old leader, accepted by a minority and adopted much later, would be chosen after newer
// acknowledged commits and overwrite them, while every check of agreement still passes. Without the second, a new leader that finds an
// old one's entry and not the one before it would let a change set stand whose chunks, or the states of whose sequences, are lost. With both,
// what stands of an epoch is the first part of what its leader proposed. Nothing acknowledged is void: a leader acknowledges what it knows
// to follow on its own entries.
type Order struct {
	floor paxos.Index
	head  paxos.Index        // Invariant: every index in (floor, head] was placed once, in order.
	last  changeset.Position // of the last change set that has one

	lastTime int64 // the greatest commit time

	opens       []opening // where epochs began to be the greatest, since the floor and the last before; index and epoch both increase
	members     []memberAt
	spans       []span      // chunked sets since the floor, by first index
	ended       paxos.Index // where the last of them ended; a floor may stand there, so that its chunks stay no longer than needed
	checkpoints []checkpoint
	sequences   sequenceHistory
	digest      paxos.Digest                // of everything up to head
	digests     [recentDigests]paxos.Digest // of the last indexes, each at its remainder
	idLimits    []limitAt                   // since the floor and the last before; index and limit both increase
}

type opening struct {
	index paxos.Index
	epoch paxos.Ballot
}

type memberAt struct {
	index   paxos.Index
	members paxos.Membership
}

// span is the stretch of the log over which a chunked set lies.
type span struct {
	id     changeset.ID
	first  paxos.Index
	last   paxos.Index // of its last part, or of the entry that took it back; 0: unfinished
	chunks uint32
	bytes  int64 // in them
	inline inlineScan
}

// checkpoint remembers the last position and commit time at an index, so that a floor can be put there.
type checkpoint struct {
	index    paxos.Index
	last     changeset.Position
	lastTime int64
	digest   paxos.Digest
}

const checkpointEvery = 128

// recentDigests is at how many indexes below the head others' logs are compared with this one.
const recentDigests = 4096

// Placed is a chosen entry with its place in the order.
type Placed struct {
	Index       paxos.Index
	Epoch       paxos.Ballot
	Kind        paxos.Kind
	Void        bool
	Predecessor changeset.Position    // the last position below this entry
	Sets        []changeset.ChangeSet // kind change sets; number k has position At(Index, k) unless Void
	Chunk       changeset.Chunk
	Sequences   []changeset.SequenceState
	Mark        changeset.MarkID
	IDLimit     changeset.IDLimit
	Bytes       int
}

// Position returns the place of change set k.
func (p *Placed) Position(k int) changeset.Position { return changeset.At(uint64(p.Index), k) }

// PredecessorOf returns the place before change set k.
func (p *Placed) PredecessorOf(k int) changeset.Position {
	if k == 0 {
		return p.Predecessor
	}
	return p.Position(k - 1)
}

// NewOrder starts an order at a journal's floor.
func NewOrder(floor paxos.Floor) *Order {
	o := &Order{
		floor: floor.Index, head: floor.Index, last: changeset.Position(floor.Position), lastTime: floor.CommitTime,
		sequences:   newSequenceHistory(floor),
		idLimits:    []limitAt{{floor.Index, changeset.IDLimit(floor.IDLimit)}},
		opens:       []opening{{floor.Index, floor.Greatest}},
		members:     []memberAt{{floor.Index, floor.Members}},
		checkpoints: []checkpoint{{floor.Index, changeset.Position(floor.Position), floor.CommitTime, floor.Digest}},
		digest:      floor.Digest,
	}
	o.digests[floor.Index%recentDigests] = floor.Digest
	return o
}

// Prefix is what stands for everything that was placed.
func (o *Order) Prefix() paxos.Prefix { return paxos.Prefix{To: o.head, Digest: o.digest} }

// digestAt is the digest at an index; 0 when it is not known.
func (o *Order) digestAt(i paxos.Index) paxos.Digest {
	if i > o.head || i < o.floor || o.head-i >= recentDigests {
		return 0
	}
	return o.digests[i%recentDigests]
}

// Head is the index of the last entry placed.
func (o *Order) Head() paxos.Index { return o.head }

// Last is the position of the last change set that has one.
func (o *Order) Last() changeset.Position { return o.last }

// Greatest is the greatest epoch so far; 0 = none. Whatever is of a lower one is void from here on.
func (o *Order) Greatest() paxos.Ballot { return o.opens[len(o.opens)-1].epoch }

// Members is the membership that the entries placed so far have left.
func (o *Order) Members() paxos.Membership { return o.members[len(o.members)-1].members }

// greatestBelow is the greatest epoch at any index lower than i.
func (o *Order) greatestBelow(i paxos.Index) paxos.Ballot {
	k := sort.Search(len(o.opens), func(k int) bool { return o.opens[k].index >= i })
	if k == 0 {
		return o.opens[0].epoch // i is at or below the floor: nobody asks
	}
	return o.opens[k-1].epoch
}

// Place gives the entry at index Head()+1 its place. An error means that the entry cannot be read by this version.
func (o *Order) Place(entry paxos.Entry) (*Placed, error) {
	if entry.Index != o.head+1 {
		return nil, fmt.Errorf("entry %d after %d", entry.Index, o.head)
	}
	placed, err := o.read(entry)
	if err != nil {
		return nil, err
	}
	placed.Predecessor = o.last
	o.head = entry.Index
	o.digest = o.digest.Next(entry.Value)
	o.digests[o.head%recentDigests] = o.digest
	if err := o.note(placed, entry); err != nil {
		return nil, err
	}
	if n := len(o.checkpoints); entry.Index >= o.checkpoints[n-1].index+checkpointEvery || o.ended == entry.Index {
		o.checkpoints = append(o.checkpoints, checkpoint{entry.Index, o.last, o.lastTime, o.digest})
	}
	return placed, nil
}

// Replay reads an entry that was placed before, for a cursor that was set back. Its predecessor is not known.
func (o *Order) Replay(entry paxos.Entry) (*Placed, error) {
	if entry.Index > o.head {
		return nil, fmt.Errorf("entry %d is above the head %d", entry.Index, o.head)
	}
	return o.read(entry)
}

// read decodes an entry and tests whether it is void.
func (o *Order) read(entry paxos.Entry) (*Placed, error) {
	v := entry.Value
	p := &Placed{Index: entry.Index, Epoch: v.Epoch, Kind: v.Kind, Bytes: len(v.Body)}
	greatest := o.greatestBelow(entry.Index)
	var err error
	switch v.Kind {
	case paxos.KindMember:
	case paxos.KindNoop, paxos.KindEpochOpen:
		p.Void = v.Epoch < greatest
	case paxos.KindOldSets:
		p.Kind, p.Void = paxos.KindChangeSets, v.Epoch < greatest
		p.Sets, err = changeset.DecodeOldSets(v.Body)
	case paxos.KindChangeSets:
		p.Void = v.Epoch < greatest
		p.Sets, err = changeset.DecodeChangeSets(v.Body)
	case paxos.KindChunk:
		p.Void = v.Epoch < greatest
		p.Chunk, err = changeset.DecodeChunk(v.Body)
	case paxos.KindSequence:
		p.Void = v.Epoch < greatest
		p.Sequences, err = changeset.DecodeSequences(v.Body)
	case paxos.KindIDLimit:
		p.Void = v.Epoch < greatest
		p.IDLimit, err = changeset.DecodeIDLimit(v.Body)
	case paxos.KindMark:
		p.Mark, err = changeset.DecodeMark(v.Body)
	default:
		err = fmt.Errorf("unknown kind %d", v.Kind)
	}
	return p, err
}

// note lets a placed entry change the state of the order.
func (o *Order) note(p *Placed, entry paxos.Entry) error {
	if p.Void {
		return nil
	}
	switch p.Kind {
	case paxos.KindNoop, paxos.KindEpochOpen:
		if p.Kind == paxos.KindEpochOpen && planted("void rule missing") || p.Kind == paxos.KindNoop && planted("what follows on a gap stands") {
			return nil
		}
		if p.Epoch > o.Greatest() { // an epoch's own no-ops may come before it is opened
			o.opens = append(o.opens, opening{p.Index, p.Epoch})
			o.endUnfinished(p.Index)
		}
	case paxos.KindMember:
		o.members = append(o.members, memberAt{p.Index, o.Members().Apply(entry.Value)})
	case paxos.KindChunk:
		o.noteChunk(p)
	case paxos.KindSequence:
		for _, s := range p.Sequences {
			o.sequences.change(p.Position(0), s.Database,
				changeset.Sequence{Schema: s.Schema, Name: s.Name, Horizon: s.Horizon, Called: s.Called})
		}
	case paxos.KindIDLimit:
		o.noteIDLimit(p)
	case paxos.KindChangeSets:
		return o.noteSets(p)
	}
	return nil
}

func (o *Order) noteSets(p *Placed) error {
	if len(p.Sets) == 0 {
		return nil
	}
	for k := range p.Sets {
		set := &p.Sets[k]
		var before inlineScan
		if set.Flags&changeset.Last != 0 {
			ended, err := o.finish(set, p.Index)
			if err != nil {
				return err
			}
			before = ended.inline
		}
		if err := o.noteInline(set, before, p.Position(k)); err != nil {
			return err
		}
	}
	o.last = p.Position(len(p.Sets) - 1)
	o.noteTimes(p.Sets)
	return nil
}

// noteInline takes the states of sequences that a change set created or rewrote, and forgets those that it dropped; those of a database that
// was renamed go by its new name.
func (o *Order) noteInline(set *changeset.ChangeSet, before inlineScan, at changeset.Position) error {
	err := eachInline(set, before, func(message changeset.Message) { o.sequences.change(at, set.Database, message) })
	if err != nil {
		return fmt.Errorf("change set %v: %w", set.ID, err)
	}
	return nil
}

// discardChunk is the ordinal of a chunk that takes back all chunks of its set: the transaction rolled back.
const discardChunk = ^uint32(0)

// noteChunk keeps count of a set's chunks. Where one is missing, it was lost together with its leader, and the set with it:
//
//  1. A leader has chunks 0, 1 and 2 of a set on their way and fails; chunk 1 has reached nobody.
//  2. The next leader adopts chunks 0 and 2, and fills the index of chunk 1 with a no-op.
//  3. Nobody can have been told anything: the last part is proposed only when all chunks are chosen (awaitsChunks).
func (o *Order) noteChunk(p *Placed) {
	k := o.unfinished(p.Chunk.ID)
	switch {
	case k < 0 && p.Chunk.Ordinal == 0:
		o.spans = append(o.spans, span{id: p.Chunk.ID, first: p.Index})
		o.spans[len(o.spans)-1].take(p.Chunk.Data)
	case k < 0: // of a set that is given up
	case p.Chunk.Ordinal == o.spans[k].chunks:
		o.spans[k].take(p.Chunk.Data)
	default: // one is missing, or the discarding one
		o.end(k, p.Index)
	}
}

func (s *span) take(chunk []byte) {
	s.chunks++
	s.bytes += int64(len(chunk))
	s.inline.read(chunk)
}

// largestSet is how many bytes the chunks of the largest set above the floor hold.
func (o *Order) largestSet() (bytes int64) {
	for _, s := range o.spans {
		bytes = max(bytes, s.bytes)
	}
	return bytes
}

// finish ends the span of a set whose last part has come, and returns what it was.
func (o *Order) finish(set *changeset.ChangeSet, at paxos.Index) (span, error) {
	k := o.unfinished(set.ID)
	if k < 0 || o.spans[k].chunks != set.Chunks {
		return span{}, fmt.Errorf("change set %v ends after %d chunks, which are not there", set.ID, set.Chunks)
	}
	ended := o.spans[k]
	o.end(k, at)
	return ended, nil
}

func (o *Order) end(k int, at paxos.Index) {
	o.spans[k].last, o.ended = at, at
	o.spans[k].inline = inlineScan{}
}

// unfinished finds the open span of a set; -1 if there is none.
func (o *Order) unfinished(id changeset.ID) int {
	for k := range o.spans {
		if o.spans[k].id == id && o.spans[k].last == 0 {
			return k
		}
	}
	return -1
}

// endUnfinished ends the sets that end with their epoch. Their chunks are still read together, so their spans stay.
func (o *Order) endUnfinished(at paxos.Index) {
	for k := range o.spans {
		if o.spans[k].last == 0 {
			o.end(k, at)
		}
	}
}

// resumeAt is the first index that a server at position p has to be shown: its own entry, which may hold later change sets, or the
// first chunk of a set that ends there or later.
func (o *Order) resumeAt(p changeset.Position) paxos.Index {
	at := max(min(paxos.Index(p.Index()), o.head+1), o.floor+1) // above the head there may be chunks that are not known yet
	for _, s := range o.spans {
		if s.first < at && (s.last == 0 || s.last >= at) {
			at = s.first
		}
	}
	return at
}

// FloorBelow returns the log's state at the highest checkpoint at which a floor may stand: at or below limit, and not within the span of
// a chunked set, whose later chunks could not be read without the first. ok is false when there is none above the present floor.
func (o *Order) FloorBelow(limit paxos.Index) (floor paxos.Floor, ok bool) {
	k := o.checkpointBelow(limit)
	for k > 0 {
		first, within := o.spanAround(o.checkpoints[k].index)
		if !within || planted("floor within a chunked set") {
			break
		}
		k = o.checkpointBelow(first - 1)
	}
	if k <= 0 {
		return paxos.Floor{}, false
	}
	at := o.checkpoints[k]
	floor = paxos.Floor{
		Index: at.index, Position: uint64(at.last), Greatest: o.greatestBelow(at.index + 1), Members: o.membersAt(at.index), CommitTime: at.lastTime, Digest: at.digest,
		IDLimit: uint64(o.idLimitAt(at.index)),
	}
	states := o.sequences.at(endOf(at.index))
	if planted("floor with the states of the head") {
		states = o.sequences.head
	}
	for _, s := range states.sorted() {
		floor.Sequences = append(floor.Sequences, paxos.SequenceState(s))
	}
	return floor, true
}

// checkpointBelow finds the highest checkpoint at or below limit; -1 if there is none.
func (o *Order) checkpointBelow(limit paxos.Index) int {
	return sort.Search(len(o.checkpoints), func(k int) bool { return o.checkpoints[k].index > limit }) - 1
}

// spanAround returns the first index of a chunked set that has chunks at or below i and ends above it.
func (o *Order) spanAround(i paxos.Index) (first paxos.Index, ok bool) {
	for _, s := range o.spans {
		if s.first <= i && (s.last == 0 || s.last > i) {
			return s.first, true
		}
	}
	return 0, false
}

func (o *Order) membersAt(i paxos.Index) paxos.Membership {
	k := sort.Search(len(o.members), func(k int) bool { return o.members[k].index > i }) - 1
	return o.members[max(k, 0)].members
}

// Trim forgets what lies at or below a floor that the journal has taken.
func (o *Order) Trim(floor paxos.Floor) {
	o.floor = floor.Index
	o.sequences.trim(floor.Index)
	o.trimIDLimits(floor.Index)
	for len(o.opens) > 1 && o.opens[1].index <= floor.Index {
		o.opens = o.opens[1:]
	}
	for len(o.members) > 1 && o.members[1].index <= floor.Index {
		o.members = o.members[1:]
	}
	for len(o.checkpoints) > 1 && o.checkpoints[0].index < floor.Index {
		o.checkpoints = o.checkpoints[1:]
	}
	kept := o.spans[:0]
	for _, s := range o.spans {
		if s.last == 0 || s.last > floor.Index {
			kept = append(kept, s)
		}
	}
	o.spans = kept
}
