package paxos

import (
	"bytes"
	"strconv"
)

// A Kind says what an entry's body is.
type Kind uint8

// The kinds of entries. Their numbers are part of the format.
const (
	KindNoop       Kind = 1 // fills a gap; empty
	KindMember     Kind = 2 // changes the membership
	KindEpochOpen  Kind = 3 // opens the epoch that the header names; empty
	KindOldSets    Kind = 4 // change sets without commit times, as version 0.1.0 wrote them; read only
	KindChunk      Kind = 5
	KindSequence   Kind = 6
	KindMark       Kind = 7
	KindIDLimit    Kind = 8 // of format version 2 on
	KindChangeSets Kind = 9 // with their commit times
)

var kindNames = [...]string{
	KindNoop: "no-op", KindMember: "member", KindEpochOpen: "epoch-open",
	KindOldSets: "old change sets", KindChangeSets: "change sets", KindChunk: "chunk", KindSequence: "sequence", KindMark: "mark", KindIDLimit: "id limit",
}

func (k Kind) known() bool { return k >= KindNoop && k <= KindChangeSets }

// formatVersion is that of the values of a kind. Version 2 brought id limits, and
// commit times, and OIDs of what statements make, to change sets; all others are
// what they were.
func (k Kind) formatVersion() byte {
	if k == KindChangeSets || k == KindIDLimit {
		return 2
	}
	return 1
}

// String returns the kind's name in the glossary.
func (k Kind) String() string {
	if k.known() {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// A Value is what Paxos chooses. It is never altered once proposed: a leader
// that adopts it keeps the version and the epoch of its first proposer.
type Value struct {
	Version uint32 // the membership version under which it was proposed
	Epoch   Ballot // the epoch in which it was proposed
	Kind    Kind
	Body    []byte // read-only
}

// Equal reports whether two values are the same to the last byte.
func (v Value) Equal(w Value) bool {
	return v.Version == w.Version && v.Epoch == w.Epoch && v.Kind == w.Kind && bytes.Equal(v.Body, w.Body)
}
