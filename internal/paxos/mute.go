package paxos

// Mute says that nothing can be made durable just now. Until Unmute this node is to others an acceptor that is silent, which Paxos allows at any
// time: what would have to be written down is passed over, as if it had been lost
// on the way, and comes again. Otherwise it would pile up here. It goes on hearing
// who leads, and acknowledges heartbeats; it proposes and asks for nothing.
func (n *Node) Mute() { n.mute = true }

// Unmute ends that.
func (n *Node) Unmute() { n.mute = false }

// needsDisk reports whether a message asks for something to be written down, or
// whether its sender would rely on that.
func needsDisk(m Message) bool {
	switch m.(type) {
	case PreVote, Prepare, Accept, Entries, FloorState, Return:
		return true
	}
	return false
}
