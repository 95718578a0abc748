package paxos

import (
	"errors"
	"fmt"
)

// Errors that stop a node: what it was given is from another cluster, or from a
// Barista that knows more than this one.
var (
	ErrForeignCluster = errors.New("belongs to another cluster")
	ErrUnknownFormat  = errors.New("unknown format version")
	ErrUnknownKind    = errors.New("unknown kind")
)

// DecodeValue reads a value that fills b. The body aliases b. Errors:
// ErrForeignCluster, ErrUnknownFormat, ErrUnknownKind, ErrMalformed.
func DecodeValue(cluster [16]byte, b []byte) (Value, error) {
	c := cursor{rest: b}
	format, owner := c.byte(), [16]byte{}
	copy(owner[:], c.take(len(owner)))
	v := Value{Version: c.uint32(), Epoch: Ballot(c.uint64()), Kind: Kind(c.byte())}
	switch {
	case c.err != nil:
		return Value{}, fmt.Errorf("value: %w", c.err)
	case owner != cluster:
		return Value{}, fmt.Errorf("value: %w: %x", ErrForeignCluster, owner)
	case !v.Kind.known():
		return Value{}, fmt.Errorf("value: %w %d", ErrUnknownKind, v.Kind)
	case format != v.Kind.formatVersion():
		return Value{}, fmt.Errorf("%s value: %w %d", v.Kind, ErrUnknownFormat, format)
	}
	v.Body = c.all()
	if len(v.Body) == 0 {
		v.Body = nil
	}
	if err := checkBody(v); err != nil {
		return Value{}, fmt.Errorf("%s value: %w", v.Kind, err)
	}
	return v, nil
}

// checkBody reads the bodies that mean something in this package, so that
// nothing accepted can turn out to be unreadable once it is chosen.
func checkBody(v Value) error {
	switch v.Kind {
	case KindNoop, KindEpochOpen:
		c := cursor{rest: v.Body}
		return c.end()
	case KindMember:
		_, _, err := DecodeMember(v.Body)
		return err
	}
	return nil
}

// DecodeMember reads the body of a member entry: the version that it changes,
// and the membership after it, whose version is one more.
func DecodeMember(body []byte) (base uint32, next Membership, err error) {
	c := cursor{rest: body}
	base = c.uint32()
	next = c.membership()
	if err := c.end(); err != nil {
		return 0, Membership{}, err
	}
	if next.Version != base+1 {
		return 0, Membership{}, fmt.Errorf("%w: version %d after version %d", ErrMalformed, next.Version, base)
	}
	return base, next, nil
}

// DecodeRecord reads a journal record that fills b; bodies alias b.
func DecodeRecord(cluster [16]byte, b []byte) (Record, error) {
	c := cursor{rest: b}
	code := c.byte()
	r := c.record(cluster, code)
	if err := c.end(); err != nil {
		return nil, fmt.Errorf("record of type %d: %w", code, err)
	}
	return r, nil
}

func (c *cursor) record(cluster [16]byte, code byte) Record {
	switch code {
	case codePromiseRecord:
		return PromiseRecord{Ballot: Ballot(c.uint64())}
	case codeAcceptRecord:
		e := Entry{Index: Index(c.uint64()), Ballot: Ballot(c.uint64())}
		e.Value = c.value(cluster, c.all())
		return AcceptRecord{Entry: e}
	case codeChosenRecord:
		return ChosenRecord{To: Index(c.uint64())}
	case codeOldFloorRecord:
		return FloorRecord{Floor: c.oldFloor()}
	case codeFloorRecord:
		return FloorRecord{Floor: c.floor()}
	case codeIdentityRecord:
		var r IdentityRecord
		copy(r.Cluster[:], c.take(len(r.Cluster)))
		r.Name, r.Incarnation, r.Node = c.string(), c.uint64(), NodeID(c.uint16())
		return r
	case codeLifeRecord:
		if version := c.byte(); version != journalVersion && c.err == nil {
			c.err = fmt.Errorf("%w %d of a journal", ErrUnknownFormat, version)
		}
		return LifeRecord{Life: c.life()}
	case codeSightingRecord:
		return SightingRecord{Sighting: c.sighting()}
	}
	if c.err == nil {
		c.err = ErrUnknownKind
	}
	return nil
}

// startSize and sightingSize are the lengths of these.
const (
	startSize    = 8 + 8
	sightingSize = 2 + 8 + 8
)

func (c *cursor) life() Life {
	l := Life{Acts: c.uint64()}
	n := c.count(uint32(c.uint16()), startSize)
	if n > maxStarts {
		c.fail("%d runs", n)
	}
	for i := 0; i < n && c.err == nil; i++ {
		s := Start{Run: Run(c.uint64()), Acts: c.uint64()}
		if i > 0 && c.err == nil && s.Run.Count() != l.Run().Count()+1 {
			c.fail("run %d after run %d", s.Run.Count(), l.Run().Count())
		}
		l.Starts = append(l.Starts, s)
	}
	return l
}

func (c *cursor) sighting() Sighting {
	return Sighting{Node: NodeID(c.uint16()), Run: Run(c.uint64()), Acts: c.uint64()}
}

// value reads a value that fills b, and keeps its error.
func (c *cursor) value(cluster [16]byte, b []byte) Value {
	if c.err != nil {
		return Value{}
	}
	v, err := DecodeValue(cluster, b)
	if err != nil {
		c.err, c.rest = err, nil
	}
	return v
}

// The lengths of the shortest member, name and sequence state.
const (
	nameSize     = 1 + 2
	memberSize   = 2 + 8 + 1 + 2 + 2
	sequenceSize = 2 + 2 + 2 + 8 + 1 + 8
)

func (c *cursor) membership() Membership {
	m := Membership{Version: c.uint32(), Next: NodeID(c.uint16())}
	n := c.count(uint32(c.uint16()), memberSize)
	if n > MaxMembers {
		c.fail("%d members", n)
	}
	last := NodeID(0)
	for i := 0; i < n && c.err == nil; i++ {
		member := Member{Node: NodeID(c.uint16()), Incarnation: c.uint64()}
		standing := c.byte()
		if standing > standingSpare {
			c.fail("a member of standing %d", standing)
		}
		member.Voter, member.Spare = standing == standingVoter, standing == standingSpare
		member.Name, member.Address = c.string(), c.string()
		if c.err == nil && (member.Node <= last || member.Node >= m.Next) {
			c.fail("member %d after %d, the next is to be %d", member.Node, last, m.Next)
		}
		last = member.Node
		m.Members = append(m.Members, member)
	}
	m.Names = c.names()
	return m
}

// names reads what was ordered about names, in order and each once.
func (c *cursor) names() (names []Name) {
	n := c.count(uint32(c.uint16()), nameSize)
	if n > MaxNames {
		c.fail("%d names", n)
	}
	for i := 0; i < n && c.err == nil; i++ {
		code := c.byte()
		if code > nameExpectedSpare {
			c.fail("an order of kind %d", code)
		}
		name := Name{Name: c.string(), Expected: code != nameBarred, Spare: code == nameExpectedSpare}
		if i > 0 && name.Name <= names[i-1].Name {
			c.fail("name %q after %q", name.Name, names[i-1].Name)
		}
		names = append(names, name)
	}
	return names
}

func (c *cursor) floor() Floor {
	if version := c.byte(); version != floorVersion && c.err == nil {
		c.err = fmt.Errorf("%w %d of a floor", ErrUnknownFormat, version)
	}
	limit, time, digest := c.uint64(), int64(c.uint64()), Digest(c.uint64())
	f := c.oldFloor()
	f.IDLimit, f.CommitTime, f.Digest = limit, time, digest
	return f
}

// oldFloor reads what a floor of version 1 was.
func (c *cursor) oldFloor() Floor {
	f := Floor{Index: Index(c.uint64()), Greatest: Ballot(c.uint64()), Position: c.uint64(), Members: c.membership()}
	n := c.count(c.uint32(), sequenceSize)
	for i := 0; i < n && c.err == nil; i++ {
		f.Sequences = append(f.Sequences, SequenceState{
			Database: c.string(), Schema: c.string(), Name: c.string(),
			Horizon: int64(c.uint64()), Called: c.bool(), LSN: c.uint64(),
		})
	}
	return f
}
