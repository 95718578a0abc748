package paxos

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testCluster = [16]byte{'t', 'e', 's', 't'}

var sampleMembership = FirstMembership("n1", 11, "127.0.0.1:7001").AddLearner("n2", 12, "127.0.0.1:7002").
	AddSpare("n3", 13, "127.0.0.1:7003").Expect("n4").ExpectSpare("n5").Bar("n0")

var sampleFloor = Floor{
	Index: 9, Greatest: MakeBallot(3, 1), Position: 9<<16 | 4, Members: sampleMembership,
	Sequences:  []SequenceState{{Database: "d", Schema: "s", Name: "n", Horizon: -7, Called: true, LSN: 8}},
	IDLimit:    1<<32 + 5,
	CommitTime: 12345,
	Digest:     1 << 40,
}

var (
	sampleLife     = Life{Acts: 5}.Begin(7).Begin(8)
	sampleSighting = Sighting{Node: 3, Run: sampleLife.Run(), Acts: 9}
	sampleStamp    = Stamp{Run: sampleLife.Run(), Acts: 10, Prefix: Prefix{To: 7, Digest: 99}}
)

var sampleEntries = []Entry{
	{Index: 5, Ballot: MakeBallot(2, 1), Value: Value{Version: 1, Epoch: MakeBallot(2, 1), Kind: KindEpochOpen}},
	{Index: 6, Ballot: MakeBallot(2, 1), Value: Value{Version: 1, Epoch: MakeBallot(2, 1), Kind: KindChangeSets, Body: []byte("latte")}},
	{Index: 7, Ballot: MakeBallot(3, 2), Value: MemberValue(sampleMembership)},
	{Index: 8, Ballot: MakeBallot(3, 2), Value: Value{Version: 2, Epoch: MakeBallot(3, 2), Kind: KindIDLimit, Body: []byte("12345678")}},
	{Index: 9, Ballot: MakeBallot(3, 2), Value: Value{Version: 2, Epoch: MakeBallot(2, 1), Kind: KindOldSets, Body: []byte("mocha")}},
}

var sampleMessages = []Message{
	PreVote{Version: 1, Ballot: MakeBallot(4, 2), ChosenTo: 3},
	PreVoteReply{Version: 1, Ballot: MakeBallot(4, 2), Granted: true, Promised: MakeBallot(3, 1), ChosenTo: 3},
	Prepare{Version: 2, Ballot: MakeBallot(4, 2), ChosenTo: 3, Index: 4},
	Promise{Version: 2, Ballot: MakeBallot(4, 2), ChosenTo: 4, First: 1, Last: LastIndex, Entries: sampleEntries},
	Reject{Version: 3, Ballot: MakeBallot(4, 2), Promised: MakeBallot(5, 1), ChosenTo: 9},
	Accept{Version: 2, Ballot: MakeBallot(4, 2), First: 5, ChosenTo: 4, Values: []Value{sampleEntries[0].Value, sampleEntries[1].Value}},
	Accepted{Version: 2, Ballot: MakeBallot(4, 2), First: 5, Last: 6, ChosenTo: 4, DurableTo: 3},
	Heartbeat{Version: 2, Ballot: MakeBallot(4, 2), Seq: 77, ChosenTo: 4, AllDurable: 2, Probe: true, Seen: []Sighting{sampleSighting}},
	HeartbeatAck{Version: 2, Ballot: MakeBallot(4, 2), Seq: 77, Lease: 1e9, ChosenTo: 4, DurableTo: 3},
	Learn{Version: 2, Ballot: MakeBallot(4, 2), ChosenTo: 6},
	Fetch{Version: 2, From: 5},
	Entries{Version: 2, First: 5, ChosenTo: 8, Entries: sampleEntries},
	FloorState{Version: 2, Floor: sampleFloor},
	Release{Version: 2, Ballot: MakeBallot(4, 2), Heir: 3},
	Return{Version: 2, ChosenTo: 6, Life: sampleLife, Pardoned: true},
	Welcome{Version: 2, ChosenTo: 6, Run: sampleLife.Run()},
	Disown{Version: 2, Run: sampleLife.Run(), Seen: sampleSighting},
}

var sampleRecords = []Record{
	PromiseRecord{Ballot: MakeBallot(4, 2)},
	AcceptRecord{Entry: sampleEntries[1]},
	ChosenRecord{To: 8},
	FloorRecord{Floor: sampleFloor},
	IdentityRecord{Cluster: testCluster, Name: "n1", Incarnation: 11, Node: 1},
	LifeRecord{Life: sampleLife},
	SightingRecord{Sighting: sampleSighting},
}

func TestMessagesAndRecordsReadBackAsWritten(t *testing.T) {
	// Shows that each message and record comes back whole, and that none of
	// them can be cut short or made longer unnoticed.
	for _, m := range sampleMessages {
		body := AppendMessage(nil, testCluster, sampleStamp, m)
		stamp, back, err := DecodeMessage(testCluster, MessageType(m), body)
		checkReadBack(t, m, back, err)
		checkReadBack(t, sampleStamp, stamp, err)
		for cut := range body {
			if _, _, err := DecodeMessage(testCluster, MessageType(m), body[:cut]); err == nil {
				t.Errorf("%T cut to %d of %d bytes: no error", m, cut, len(body))
			}
		}
		if _, _, err := DecodeMessage(testCluster, MessageType(m), append(body, 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%T with a byte more: %v", m, err)
		}
	}
	for _, r := range sampleRecords {
		back, err := DecodeRecord(testCluster, AppendRecord(nil, testCluster, r))
		checkReadBack(t, r, back, err)
	}
}

func checkReadBack(t *testing.T, want, got any, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%T: %v", want, err)
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%T (-written +read):\n%s", want, diff)
	}
}

func TestUnknownAndForeignValuesAreRefused(t *testing.T) {
	// Shows that a value of another cluster, format or kind is an error and is
	// never taken for something else.
	good := AppendValue(nil, testCluster, sampleEntries[4].Value)
	for name, test := range map[string]struct {
		change func(b []byte) []byte
		want   error
	}{
		"foreign":              {func(b []byte) []byte { b[5]++; return b }, ErrForeignCluster},
		"format":               {func(b []byte) []byte { b[0] = 3; return b }, ErrUnknownFormat},
		"format of a kind":     {func(b []byte) []byte { b[valueHeader-1] = byte(KindChangeSets); return b }, ErrUnknownFormat},
		"kind 0":               {func(b []byte) []byte { b[valueHeader-1] = 0; return b }, ErrUnknownKind},
		"kind 10":              {func(b []byte) []byte { b[valueHeader-1] = 10; return b }, ErrUnknownKind},
		"no-op with a body":    {func(b []byte) []byte { b[valueHeader-1] = 1; return b }, ErrMalformed},
		"no member entry":      {func(b []byte) []byte { b[valueHeader-1] = 2; return b }, ErrMalformed},
		"shorter than allowed": {func(b []byte) []byte { return b[:valueHeader-1] }, ErrMalformed},
	} {
		if _, err := DecodeValue(testCluster, test.change(bytes.Clone(good))); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if _, _, err := DecodeMessage(testCluster, 99, make([]byte, 36)); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("message of type 99: %v", err)
	}
	if _, err := DecodeRecord(testCluster, []byte{99}); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("record of type 99: %v", err)
	}
}

func TestFloorsOfOldJournalsAreRead(t *testing.T) {
	// Shows that a journal of version 0.1.0 opens: its floors have no version, no id limit, no commit time and no digest.
	now := AppendRecord(nil, testCluster, FloorRecord{Floor: sampleFloor})
	old := append([]byte{codeOldFloorRecord}, now[1+1+8+8+8:]...)
	want := sampleFloor
	want.IDLimit, want.CommitTime, want.Digest = 0, 0, 0
	got, err := DecodeRecord(testCluster, old)
	checkReadBack(t, Record(FloorRecord{Floor: want}), got, err)
	now[1]++
	if _, err := DecodeRecord(testCluster, now); !errors.Is(err, ErrUnknownFormat) {
		t.Errorf("a floor of a later version: %v", err)
	}
}

func TestHugeCountsAllocateNothing(t *testing.T) {
	// Shows that a count that cannot be true is refused before memory is taken.
	body := AppendMessage(nil, testCluster, sampleStamp, Promise{Ballot: 1})
	copy(body[len(body)-4:], []byte{0xff, 0xff, 0xff, 0xff})
	allocated := testing.AllocsPerRun(10, func() {
		if _, _, err := DecodeMessage(testCluster, codePromise, body); err == nil {
			t.Error("no error")
		}
	})
	if allocated > 20 {
		t.Errorf("%v allocations", allocated)
	}
}

func FuzzDecodeValue(f *testing.F) {
	// Shows that whatever can be read is written back to the same bytes.
	for _, e := range sampleEntries {
		f.Add(AppendValue(nil, testCluster, e.Value))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := DecodeValue(testCluster, b); err == nil {
			if again := AppendValue(nil, testCluster, v); !bytes.Equal(again, b) {
				t.Errorf("%x became %x", b, again)
			}
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	// Shows that whatever can be read is written back to the same bytes.
	for _, r := range sampleRecords {
		f.Add(AppendRecord(nil, testCluster, r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeRecord(testCluster, b); err == nil && b[0] != codeOldFloorRecord {
			if again := AppendRecord(nil, testCluster, r); !bytes.Equal(again, b) {
				t.Errorf("%x became %x", b, again)
			}
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	// Shows that whatever can be read is written back to the same bytes.
	for _, m := range sampleMessages {
		f.Add(MessageType(m), AppendMessage(nil, testCluster, sampleStamp, m))
	}
	f.Fuzz(func(t *testing.T, code uint8, b []byte) {
		if s, m, err := DecodeMessage(testCluster, code, b); err == nil {
			if again := AppendMessage(nil, testCluster, s, m); MessageType(m) != code || !bytes.Equal(again, b) {
				t.Errorf("%x became %x", b, again)
			}
		}
	})
}
