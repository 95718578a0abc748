package sim

// The bugs that are planted in the world itself, because what they stand for is not in the pure code: the extension's locks and its order of work, and the rule
// that a machine with an empty disk is a new incarnation.
const (
	locksReleased = "locks released while undecided"
	amnesiacVotes = "amnesiac acceptor votes"
	namesNotTold  = "changed names of sequences not told"
	partsAtOnce   = "removed node parts at once"
	joinsAny      = "a disowned node joins any cluster"
	disownedVotes = "a disowned node votes after a restart"
	servesAgain   = "a node that stopped for another cluster serves after a restart"
	filesGoFirst  = "files of a database destroyed before its drop is durable"
)
