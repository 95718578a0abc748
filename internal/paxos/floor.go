package paxos

// A Floor is the log's state at the purge floor. Everything at or below Index
// is gone from the journal; what a node must know of it stands here.
type Floor struct {
	Index     Index
	Greatest  Ballot     // the greatest epoch opened at or below Index
	Position  uint64     // the last position at or below Index
	Members   Membership // that governs Index+1
	Sequences []SequenceState
	IDLimit   uint64 // below it are all transaction ids that leaders have given out
	// CommitTime is the greatest of any change set at or below Index, in
	// microseconds since 2000-01-01 UTC.
	CommitTime int64
	Digest     Digest // of everything up to Index
}

// A SequenceState is the state of one sequence, as agreed.
type SequenceState struct {
	Database, Schema, Name string
	Horizon                int64
	Called                 bool
	LSN                    uint64 // page LSN on the server of its epoch
}
