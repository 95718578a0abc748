package paxos

import (
	"math/rand/v2"
	"testing"
)

func TestMuteNodeTakesNothing(t *testing.T) {
	// Shows that a node whose journal takes nothing writes nothing down, whatever its leader and candidates ask, and so promises and accepts nothing; that it
	// still follows; and that it takes part again afterwards.
	members := FirstMembership("n1", 1, "n1:1").AddLearner("n2", 2, "n2:1").Promote(2).AddLearner("n3", 3, "n3:1").Promote(3)
	n, err := New(Config{
		ID: 1, Tick: 100e6, Lease: 1e9, Drift: 5e7, ElectionMin: 1e9, ElectionMax: 2e9, SuspendLimit: 5e9, MaxInflight: 8, MaxInflightBytes: 1 << 20,
		Rand: rand.New(rand.NewPCG(1, 1)), Now: 1e9,
	}, Restored{Floor: Floor{Members: members}, Members: members})
	if err != nil {
		t.Fatal(err)
	}
	now, ballot := Instant(20e9), MakeBallot(1, 2)
	accept := Accept{Version: members.Version, Ballot: ballot, First: 1, Values: []Value{{Version: members.Version, Epoch: ballot, Kind: KindNoop}}}
	play := func() (records, votes, acks int) {
		now += 100e6
		n.Tick(now)
		for _, m := range []Message{
			Heartbeat{Version: members.Version, Ballot: ballot}, accept,
			Entries{Version: members.Version, First: 1, ChosenTo: 1, Entries: []Entry{{Index: 1, Ballot: ballot, Value: accept.Values[0]}}},
		} {
			n.Receive(now, 2, Stamp{}, m)
		}
		n.Receive(now, 3, Stamp{}, Prepare{Version: members.Version, Ballot: MakeBallot(2, 3)})
		n.Receive(now, 3, Stamp{}, PreVote{Version: members.Version, Ballot: MakeBallot(2, 3)})
		for {
			ready, ok := n.Ready()
			if !ok {
				return records, votes, acks
			}
			records += len(ready.Records)
			for _, m := range append(ready.Messages, ready.AfterDurable...) {
				switch m.Message.(type) {
				case Promise, Accepted, PreVoteReply:
					votes++
				case HeartbeatAck:
					acks++
				}
			}
			n.Synced(now, ready.Seq)
		}
	}
	n.Mute()
	for range 3 {
		if records, votes, acks := play(); records > 0 || votes > 0 || acks == 0 {
			t.Fatalf("it writes %d records, votes %d times, and acknowledges %d heartbeats", records, votes, acks)
		}
	}
	if n.Leader() != 2 {
		t.Errorf("it takes node %d for the leader", n.Leader())
	}
	n.Unmute()
	if records, votes, _ := play(); records == 0 || votes == 0 {
		t.Errorf("with room it writes %d records and votes %d times", records, votes)
	}
}
