package replicator

// A journal without room writes nothing until there is some. Its node then takes no part in agreement, and says so, but is there: it knows who leads,
// and clients come through it. If it leads, and the others can go on without it, it leaves the lead to them; if they cannot, it leads on and lets
// what is to be written wait, for nobody else could do better.

// journalFull takes note of whether the journal has room.
func (r *Replicator) journalFull(e JournalFull) {
	if r.full = e.Why; r.full != "" {
		r.paxos.Mute()
	} else {
		r.paxos.Unmute()
	}
}

// leaveWhenFull has a leader whose journal is full step down, if others are a majority without it.
func (r *Replicator) leaveWhenFull() {
	if r.full == "" || r.phase != Open && r.phase != Opening {
		return
	}
	if members := r.paxos.Members(); r.countAlive(members)-1 >= members.Quorum() {
		r.stepDown()
	}
}
