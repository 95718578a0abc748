package paxos

// Ready is the work that a Node has asked its driver to do. The slices belong
// to the driver; the values in them are read-only.
type Ready struct {
	// Seq numbers the Readys from 1. Once all Records up to and including this
	// Ready's are durable, the driver sends AfterDurable and calls Node.Synced.
	// A Ready whose Records are only ChosenRecords needs no sync of its own
	// unless it has AfterDurable; but it must be synced at some time, because
	// DurableTo, which the leader wants to see before it changes the
	// membership, waits for it.
	Seq uint64
	// Records are to be made durable, in this order, after those of every
	// earlier Ready.
	Records []Record
	// Messages may go at once: they rest on nothing in Records.
	Messages []Outgoing
	// AfterDurable may go only when all Records of this and of every earlier
	// Ready are durable.
	AfterDurable []Outgoing
	// Chosen continues the log, in index order and without gaps (but for
	// InstallFloor). The entries need not be durable on this node yet.
	Chosen []Entry
	// Reads are peers that need chosen entries which only the journal has.
	Reads []ReadRequest
	// Floors are peers that have purged what this node asked for.
	Floors []FloorOffer
}

// Outgoing is a message, whom it is for, and its stamp.
type Outgoing struct {
	To      NodeID
	Message Message
	Stamp   Stamp
}

// A ReadRequest asks the driver to send a peer the chosen entries From to To,
// or as many of them as it finds good, as one Entries message; or FloorState,
// when From is at or below the journal's floor (From is 0 when the peer knows
// nothing and needs just that). The peer asks again for what is missing.
type ReadRequest struct {
	To          NodeID
	From, Until Index
}

// A FloorOffer says that a peer's floor is above what this node has. The driver
// either calls Node.InstallFloor, if its server has everything below, or gets a
// base backup. The offer is repeated while nothing happens.
type FloorOffer struct {
	From  NodeID
	Floor Floor
}

// output gathers the next Ready.
type output struct {
	Ready
	promised Ballot  // this node's own candidacy, which waits for the promise
	votes    []votes // this node's own votes, which wait for the entries
	round    ownRound
	written  Index // the last ChosenRecord handed out
}

// votes are a leader's votes for its own proposals.
type votes struct {
	ballot      Ballot
	first, last Index
}

// A pendingSync is what the core itself waits for until a Ready is durable.
type pendingSync struct {
	seq      uint64
	promised Ballot
	votes    []votes
	round    ownRound
	chosenTo Index
	members  Membership // at chosenTo
	acts     uint64
}

func (o *output) record(r Record) { o.Records = append(o.Records, r) }

// now queues a message that may go at once.
func (o *output) now(to NodeID, m Message) {
	o.Messages = append(o.Messages, Outgoing{To: to, Message: m})
}

// afterDurable queues a message that waits for the disk.
func (o *output) afterDurable(to NodeID, m Message) {
	if planted("message sent before its record is durable") {
		o.now(to, m)
		return
	}
	o.AfterDurable = append(o.AfterDurable, Outgoing{To: to, Message: m})
}

// read queues a read for a peer; the last one counts.
func (o *output) read(r ReadRequest) {
	for i := range o.Reads {
		if o.Reads[i].To == r.To {
			o.Reads[i] = r
			return
		}
	}
	o.Reads = append(o.Reads, r)
}

func (o *output) empty() bool {
	return len(o.Records) == 0 && len(o.Messages) == 0 && len(o.AfterDurable) == 0 &&
		len(o.Chosen) == 0 && len(o.Reads) == 0 && len(o.Floors) == 0
}

// Ready hands out the work that has gathered since the last call; false if
// there is none.
func (n *Node) Ready() (Ready, bool) {
	o := &n.out
	if n.chosenTo > o.written {
		o.record(ChosenRecord{To: n.chosenTo})
		o.written = n.chosenTo
	}
	n.noteSightings()
	if o.empty() {
		return Ready{}, false
	}
	n.seq++
	o.Seq = n.seq
	n.stamp()
	if len(o.Records) > 0 {
		n.syncs = append(n.syncs, pendingSync{
			seq: n.seq, promised: o.promised, votes: o.votes, round: o.round, chosenTo: n.chosenTo, members: n.members, acts: n.life.Acts,
		})
	}
	ready := o.Ready
	n.out = output{written: o.written}
	return ready, true
}

// Synced tells that all Records of every Ready up to seq are durable.
func (n *Node) Synced(now Instant, seq uint64) {
	n.enter(now)
	for len(n.syncs) > 0 && n.syncs[0].seq <= seq {
		done := n.syncs[0]
		n.syncs[0] = pendingSync{}
		n.syncs = n.syncs[1:]
		n.durableTo, n.durableMembers, n.durableActs = done.chosenTo, done.members, done.acts
		if done.promised != 0 {
			n.ownPromiseDurable(done.promised)
		}
		for _, v := range done.votes {
			n.ownVoteDurable(v)
		}
		n.ownRoundDurable(done.round)
	}
	n.check()
}
