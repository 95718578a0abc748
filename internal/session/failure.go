package session

import (
	"errors"
	"fmt"
	"time"
)

// The SQLSTATEs that Barista's front doors give by themselves or read from a server's answer.
const (
	ConnectionFailure    = "08006"
	ResultUnknown        = "08007"
	ProtocolViolation    = "08P01"
	FeatureNotSupported  = "0A000"
	ReadOnly             = "25006"
	InvalidAuthorization = "28000"
	SerializationFailure = "40001"
	deadlockDetected     = "40P01"
	NotPermitted         = "42501"
	TooManyConnections   = "53300"
	AdminShutdown        = "57P01"
	CrashShutdown        = "57P02"
	CannotConnectNow     = "57P03"
)

// Failure is what a client is told: what happened, to what, and what to do. Each of them ends the session.
type Failure struct {
	SQLSTATE string
	Message  string
	Detail   string // empty: none
	Hint     string // empty: none
}

// Error returns the message with the SQLSTATE behind it.
func (f *Failure) Error() string { return fmt.Sprintf("%s (SQLSTATE %s)", f.Message, f.SQLSTATE) }

// SafeToRetry reports whether err is a Failure after which the same transaction may be run again.
func SafeToRetry(err error) bool {
	var f *Failure
	return errors.As(err, &f) && OutcomeOf(f.SQLSTATE).SafeToRetry()
}

// LostIdle says that the leader was lost while no request was under way.
func LostIdle(node string) *Failure {
	return &Failure{
		SQLSTATE: ConnectionFailure,
		Message:  fmt.Sprintf("the connection to the leader %s was lost", node),
		Detail:   "No request was under way. A transaction that was open has been rolled back.",
		Hint:     "Connect again and repeat the transaction.",
	}
}

// LostUnknown says that the leader was lost before it answered a request that had reached it.
func LostUnknown(node string) *Failure {
	return &Failure{
		SQLSTATE: ResultUnknown,
		Message:  fmt.Sprintf("the connection to the leader %s was lost before it answered: the result is unknown", node),
		Detail:   "If the request was to commit a transaction, the transaction was committed once or not at all.",
		Hint:     "Connect again and look whether the change is there before repeating it.",
	}
}

// LostAtStart says that the leader was lost before the session was ready.
func LostAtStart(node string) *Failure {
	return &Failure{
		SQLSTATE: CannotConnectNow,
		Message:  fmt.Sprintf("the leader %s was lost while the connection was being made", node),
		Detail:   "Nothing has been run.",
		Hint:     "Connect again.",
	}
}

// NoLeader says that a new connection was held for as long as it may be, and there was still no leader; and why, if that is known.
func NoLeader(held time.Duration, why string) *Failure {
	if why == "" {
		why = "A leader needs a majority of the members, and a server that holds what was agreed on."
	}
	return &Failure{
		SQLSTATE: CannotConnectNow,
		Message:  fmt.Sprintf("no node could serve as leader within %v", held.Round(time.Millisecond)),
		Detail:   why,
		Hint:     "Connect again later; \"barista status\" says what keeps each node from leading.",
	}
}

// A node that is full says so with 57P03, not with 53300 or 57P01: that is the one SQLSTATE after which libpq goes on to the next host
// of its list, and another node may well have room. 53300 comes from the leader's server, when it has all sessions that it may have:
// they are counted there for all nodes together, so that no other node would help.

// GaveWay says that a client that was not authenticated had to give way to others.
func GaveWay() *Failure {
	return &Failure{
		SQLSTATE: CannotConnectNow,
		Message:  "this connection gave way to others because it was not authenticated yet",
		Detail:   "Too many connections that are not authenticated came to this node.",
		Hint:     "Connect again, or to another node.",
	}
}

// Crowded says that a new connection was held for as long as it may be, because too many others were being authenticated.
func Crowded(held time.Duration) *Failure {
	return &Failure{
		SQLSTATE: CannotConnectNow,
		Message:  fmt.Sprintf("too many connections were being authenticated for %v", held.Round(time.Millisecond)),
		Hint:     "Connect again later, or to another node.",
	}
}

// ReservedRole says that a client asked for the role that Barista itself uses.
func ReservedRole(role string) *Failure {
	return &Failure{
		SQLSTATE: InvalidAuthorization,
		Message:  fmt.Sprintf("role %q is reserved for Barista itself", role),
		Hint:     "Connect as another role.",
	}
}

// ReservedSetting says that a client tried to set one of Barista's own settings in its start-up packet.
func ReservedSetting(name string) *Failure {
	return &Failure{
		SQLSTATE: NotPermitted,
		Message:  fmt.Sprintf("setting %q cannot be set by a client", name),
		Hint:     "Remove it from the connection's parameters and options.",
	}
}

// NoReplication says that a client asked for a replication connection.
func NoReplication() *Failure {
	return &Failure{
		SQLSTATE: FeatureNotSupported,
		Message:  "replication connections are not supported",
		Detail:   "Barista replicates by itself; its position is not a server's WAL position.",
		Hint:     "Connect without the parameter \"replication\".",
	}
}

// UnsupportedProtocol says that a client speaks another protocol version.
func UnsupportedProtocol(major, minor uint16) *Failure {
	return &Failure{
		SQLSTATE: FeatureNotSupported,
		Message:  fmt.Sprintf("unsupported frontend protocol %d.%d: this node speaks 3.0", major, minor),
		Hint:     "Use a client of PostgreSQL 7.4 or later.",
	}
}

// BrokenProtocol says that what a client sent is not the PostgreSQL protocol.
func BrokenProtocol(what string) *Failure {
	return &Failure{
		SQLSTATE: ProtocolViolation,
		Message:  "protocol violation: " + what,
		Hint:     "This port speaks the PostgreSQL protocol, without TLS.",
	}
}

// ShuttingDown says that this node stops and that no request was under way.
func ShuttingDown() *Failure {
	return &Failure{
		SQLSTATE: AdminShutdown,
		Message:  "this node is shutting down",
		Detail:   "No request was under way.",
		Hint:     "Connect to another node.",
	}
}

// CutByShutdown says that this node stopped before a request was answered.
func CutByShutdown() *Failure {
	return &Failure{
		SQLSTATE: ResultUnknown,
		Message:  "this node is shutting down and a request was not answered in time: its result is unknown",
		Detail:   "If the request was to commit a transaction, the transaction was committed once or not at all.",
		Hint:     "Connect to another node and look whether the change is there before repeating it.",
	}
}
