package sim

// The bugs that are planted in the world itself, because what they stand for is not in the pure code: the extension's locks, the rule
// that a machine with an empty disk is a new incarnation, and the choice of whom to copy from.
const (
	locksReleased   = "locks released while undecided"
	amnesiacVotes   = "amnesiac acceptor votes"
	copiesInCircles = "followers that are all behind copy from each other"
)
