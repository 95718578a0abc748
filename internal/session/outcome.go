package session

// Outcome is what an SQLSTATE tells about the transaction of a client that received it.
type Outcome int

const (
	// Failed is an ordinary error of PostgreSQL: the statement did not run, and the same statement will fail again.
	Failed Outcome = iota
	// Refused says that the transaction was never proposed: nothing of it exists, and it is safe to run it again.
	Refused
	// Unknown says that the transaction may exist once, or not at all.
	Unknown
	// Unsupported says that the statement cannot be replicated exactly and was not run.
	Unsupported
	// Disconnected says that no request was under way: an open transaction is gone, and it is safe to run it again on a new
	// connection.
	Disconnected
)

// OutcomeOf classifies the SQLSTATE of an error that came through a front door.
func OutcomeOf(sqlstate string) Outcome {
	switch sqlstate {
	case SerializationFailure, ReadOnly, deadlockDetected, AdminShutdown:
		return Refused
	case ResultUnknown:
		return Unknown
	case FeatureNotSupported:
		return Unsupported
	case ConnectionFailure, CannotConnectNow, TooManyConnections:
		return Disconnected
	default:
		return Failed
	}
}

// SafeToRetry reports whether the same transaction may be run again without the danger that it happens twice.
func (o Outcome) SafeToRetry() bool { return o == Refused || o == Disconnected }

// String returns the outcome in one lower-case word.
func (o Outcome) String() string {
	switch o {
	case Refused:
		return "refused"
	case Unknown:
		return "unknown"
	case Unsupported:
		return "unsupported"
	case Disconnected:
		return "disconnected"
	default:
		return "failed"
	}
}
