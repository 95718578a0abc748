package paxos

import "fmt"

// DecodeMessage reads a stamp and a message of a type; values alias b. Errors
// are those of DecodeValue; an unknown type is ErrUnknownKind.
func DecodeMessage(cluster [16]byte, code uint8, b []byte) (Stamp, Message, error) {
	c := cursor{rest: b}
	s := Stamp{Run: Run(c.uint64()), Acts: c.uint64(), Prefix: Prefix{To: c.index(), Digest: Digest(c.uint64())}}
	m := c.message(cluster, code)
	if err := c.end(); err != nil {
		return Stamp{}, nil, fmt.Errorf("message of type %d: %w", code, err)
	}
	return s, m, nil
}

func (c *cursor) ballot() Ballot { return Ballot(c.uint64()) }
func (c *cursor) index() Index   { return Index(c.uint64()) }

// message dispatches on the type. Fields are read in the order in which they
// are written here, which is that of the format.
func (c *cursor) message(cluster [16]byte, code uint8) Message {
	version := c.uint32()
	switch code {
	case codePreVote:
		return PreVote{Version: version, Ballot: c.ballot(), ChosenTo: c.index()}
	case codePreVoteReply:
		return PreVoteReply{Version: version, Ballot: c.ballot(), Granted: c.bool(), Promised: c.ballot(), ChosenTo: c.index()}
	case codePrepare:
		return Prepare{Version: version, Ballot: c.ballot(), ChosenTo: c.index(), Index: c.index()}
	case codePromise:
		return Promise{
			Version: version, Ballot: c.ballot(), ChosenTo: c.index(),
			First: c.index(), Last: c.index(), Entries: c.accepted(cluster),
		}
	case codeReject:
		return Reject{Version: version, Ballot: c.ballot(), Promised: c.ballot(), ChosenTo: c.index()}
	case codeAccept:
		m := Accept{Version: version, Ballot: c.ballot(), First: c.index(), ChosenTo: c.index()}
		m.Values = c.values(cluster, m.First)
		return m
	case codeAccepted:
		return Accepted{Version: version, Ballot: c.ballot(), First: c.index(), Last: c.index(), ChosenTo: c.index(), DurableTo: c.index()}
	case codeHeartbeat:
		return Heartbeat{
			Version: version, Ballot: c.ballot(), Seq: c.uint64(), ChosenTo: c.index(), AllDurable: c.index(), Probe: c.bool(),
			Seen: c.sightings(),
		}
	case codeHeartbeatAck:
		return HeartbeatAck{
			Version: version, Ballot: c.ballot(), Seq: c.uint64(), Lease: Span(c.uint64()), ChosenTo: c.index(), DurableTo: c.index(),
		}
	case codeLearn:
		return Learn{Version: version, Ballot: c.ballot(), ChosenTo: c.index()}
	case codeFetch:
		return Fetch{Version: version, From: c.index()}
	case codeEntries:
		m := Entries{Version: version, First: c.index(), ChosenTo: c.index()}
		m.Entries = c.chosen(cluster, m.First)
		return m
	case codeFloorState:
		return FloorState{Version: version, Floor: c.floor()}
	case codeRelease:
		return Release{Version: version, Ballot: c.ballot(), Heir: NodeID(c.uint16())}
	case codeReturn:
		return Return{Version: version, ChosenTo: c.index(), Life: c.life(), Pardoned: c.bool()}
	case codeWelcome:
		return Welcome{Version: version, ChosenTo: c.index(), Run: Run(c.uint64())}
	case codeDisown:
		return Disown{Version: version, Run: Run(c.uint64()), Seen: c.sighting()}
	}
	if c.err == nil {
		c.err = ErrUnknownKind
	}
	return nil
}

// sightings reads what a leader has seen of the members.
func (c *cursor) sightings() (seen []Sighting) {
	n := c.count(uint32(c.uint16()), sightingSize)
	if n > MaxMembers {
		c.fail("%d sightings", n)
	}
	for i := 0; i < n && c.err == nil; i++ {
		seen = append(seen, c.sighting())
	}
	return seen
}

// values reads what an Accept proposes from an index on.
func (c *cursor) values(cluster [16]byte, first Index) []Value {
	n := c.run(first, 4+valueHeader)
	var values []Value
	for i := 0; i < n && c.err == nil; i++ {
		values = append(values, c.value(cluster, c.sized()))
	}
	return values
}

// accepted reads entries that name their indexes.
func (c *cursor) accepted(cluster [16]byte) []Entry {
	n := c.count(c.uint32(), 8+8+4+valueHeader)
	var entries []Entry
	for i := 0; i < n && c.err == nil; i++ {
		e := Entry{Index: c.index(), Ballot: c.ballot()}
		e.Value = c.value(cluster, c.sized())
		entries = append(entries, e)
	}
	return entries
}

// chosen reads entries that follow each other from an index on.
func (c *cursor) chosen(cluster [16]byte, first Index) []Entry {
	n := c.run(first, 8+4+valueHeader)
	var entries []Entry
	for i := 0; i < n && c.err == nil; i++ {
		e := Entry{Index: first + Index(i), Ballot: c.ballot()}
		e.Value = c.value(cluster, c.sized())
		entries = append(entries, e)
	}
	return entries
}

// run reads the count of a run of indexes, which must not begin at 0 nor
// reach past the last index.
func (c *cursor) run(first Index, size int) int {
	n := c.count(c.uint32(), size)
	if n > 0 && (first == 0 || first+Index(n) < first) {
		c.fail("%d indexes from %d on", n, first)
		return 0
	}
	return n
}
