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
	KindChangeSets Kind = 4
	KindChunk      Kind = 5
	KindSequence   Kind = 6
	KindMark       Kind = 7
)

var kindNames = [...]string{
	KindNoop: "no-op", KindMember: "member", KindEpochOpen: "epoch-open",
	KindChangeSets: "change sets", KindChunk: "chunk", KindSequence: "sequence", KindMark: "mark",
}

func (k Kind) known() bool { return k >= KindNoop && k <= KindMark }

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
