package paxos

import "encoding/binary"

// The byte formats are drawn in docs/internals/formats.md.

// AppendValue appends a value as it is stored and sent. Its body has no length
// in front: it reaches to the end of whatever the value is stored in.
func AppendValue(b []byte, cluster [16]byte, v Value) []byte {
	b = append(b, v.Kind.formatVersion())
	b = append(b, cluster[:]...)
	b = appendUint32(b, v.Version)
	b = appendUint64(b, uint64(v.Epoch))
	b = append(b, byte(v.Kind))
	return append(b, v.Body...)
}

// valueHeader is the length of a value with an empty body.
const valueHeader = 1 + 16 + 4 + 8 + 1

const (
	codePromiseRecord  = 1
	codeAcceptRecord   = 2
	codeChosenRecord   = 3
	codeOldFloorRecord = 4 // read only: without a version
	codeIdentityRecord = 5
	codeLifeRecord     = 6
	codeSightingRecord = 7
	codeFloorRecord    = 8
)

// AppendRecord appends a journal record, its type byte first.
func AppendRecord(b []byte, cluster [16]byte, r Record) []byte {
	switch r := r.(type) {
	case PromiseRecord:
		return appendUint64(append(b, codePromiseRecord), uint64(r.Ballot))
	case AcceptRecord:
		b = appendUint64(append(b, codeAcceptRecord), uint64(r.Entry.Index))
		b = appendUint64(b, uint64(r.Entry.Ballot))
		return AppendValue(b, cluster, r.Entry.Value)
	case ChosenRecord:
		return appendUint64(append(b, codeChosenRecord), uint64(r.To))
	case FloorRecord:
		return appendFloor(append(b, codeFloorRecord), r.Floor)
	case IdentityRecord:
		b = append(append(b, codeIdentityRecord), r.Cluster[:]...)
		b = appendUint64(appendString(b, r.Name), r.Incarnation)
		return appendUint16(b, uint16(r.Node))
	case LifeRecord:
		return appendLife(append(b, codeLifeRecord, journalVersion), r.Life)
	case SightingRecord:
		return appendSighting(append(b, codeSightingRecord), r.Sighting)
	}
	violated("a record of type %T", r)
	return nil
}

// journalVersion is in the life record, which each segment of a journal begins
// with. Journals of version 1 have none.
const journalVersion = 2

func appendLife(b []byte, l Life) []byte {
	b = appendUint16(appendUint64(b, l.Acts), uint16(len(l.Starts)))
	for _, s := range l.Starts {
		b = appendUint64(appendUint64(b, uint64(s.Run)), s.Acts)
	}
	return b
}

func appendSighting(b []byte, s Sighting) []byte {
	return appendUint64(appendUint64(appendUint16(b, uint16(s.Node)), uint64(s.Run)), s.Acts)
}

func appendUint16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }
func appendUint32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }
func appendUint64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendString(b []byte, s string) []byte {
	return append(appendUint16(b, uint16(len(s))), s...)
}

// appendSizedValue appends a value with its length in front.
func appendSizedValue(b []byte, cluster [16]byte, v Value) []byte {
	b = appendUint32(b, uint32(valueHeader+len(v.Body)))
	return AppendValue(b, cluster, v)
}

// The standings of a member in the format.
const (
	standingLearner = 0
	standingVoter   = 1
	standingSpare   = 2
)

func (m Member) standing() byte {
	switch {
	case m.Voter:
		return standingVoter
	case m.Spare:
		return standingSpare
	}
	return standingLearner
}

// What is ordered about a name, in the format.
const (
	nameBarred        = 0
	nameExpected      = 1
	nameExpectedSpare = 2
)

func (n Name) code() byte {
	switch {
	case n.Expected && n.Spare:
		return nameExpectedSpare
	case n.Expected:
		return nameExpected
	}
	return nameBarred
}

func appendMembership(b []byte, m Membership) []byte {
	b = appendUint32(b, m.Version)
	b = appendUint16(b, uint16(m.Next))
	b = appendUint16(b, uint16(len(m.Members)))
	for _, member := range m.Members {
		b = appendUint16(b, uint16(member.Node))
		b = appendUint64(b, member.Incarnation)
		b = append(b, member.standing())
		b = appendString(b, member.Name)
		b = appendString(b, member.Address)
	}
	b = appendUint16(b, uint16(len(m.Names)))
	for _, n := range m.Names {
		b = appendString(append(b, n.code()), n.Name)
	}
	return b
}

// floorVersion is in front of each floor, but for those of old journals.
const floorVersion = 2

func appendFloor(b []byte, f Floor) []byte {
	b = append(b, floorVersion)
	b = appendUint64(b, f.IDLimit)
	b = appendUint64(b, uint64(f.CommitTime))
	b = appendUint64(b, uint64(f.Digest))
	b = appendUint64(b, uint64(f.Index))
	b = appendUint64(b, uint64(f.Greatest))
	b = appendUint64(b, f.Position)
	b = appendMembership(b, f.Members)
	b = appendUint32(b, uint32(len(f.Sequences)))
	for _, s := range f.Sequences {
		b = appendString(b, s.Database)
		b = appendString(b, s.Schema)
		b = appendString(b, s.Name)
		b = appendUint64(b, uint64(s.Horizon))
		b = appendBool(b, s.Called)
		b = appendUint64(b, s.LSN)
	}
	return b
}
