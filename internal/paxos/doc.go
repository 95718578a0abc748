// Package paxos is the consensus core: Multi-Paxos with a leader's lease and
// with membership that changes through the log, as a state machine without a
// world. Events go in (a tick, a message, "the disk is done", a proposal); a
// Ready comes out, which says what to make durable, what to send at once, what
// to send only when all of that is durable, and which entries are chosen.
//
// It does no I/O, reads no clock, starts no goroutine and draws only from the
// random generator that it is given, so the same events always have the same
// outcome. It does not know what a change set is: to it a value has a kind and
// a body, and only member entries mean something here.
//
// One Node plays all parts. acceptor.go keeps what was promised and accepted,
// election.go and leader.go propose, learner.go finds out what is chosen,
// lease.go keeps two leaders from serving reads at one time. invariants.go
// checks the whole after every event and panics when a rule of Paxos is
// broken: a node that broke its own rules must stop. docs/internals/paxos.md
// compares all of it with the textbook.
package paxos
