// Package sim runs whole clusters of three or five nodes in one goroutine, on virtual time, from one seed. The code under test is the real
// one: paxos, replicator and the encodings of messages, records and entries. Everything around it is a model that can fail: a network that
// loses, doubles, delays, reorders and cuts, disks that forget what was not synced, clocks that drift, processes and machines that crash
// and pause at any event, machines that are replaced with an empty disk, and a server with gate, turn, row locks and an applied position,
// which may lose its last commits.
//
// Run plays one seed. The same seed gives the same run to the last event, which its hash shows. Checkers (the files check_*.go) watch from
// outside: they see records, commits and what clients were told, and keep their own, simpler idea of what must hold. A run ends with an
// error when a checker objects, when the code under test stops itself, or when the cluster does not recover after the faults have ceased.
//
// It refuses to test what is not pure: PostgreSQL, the extension, sockets, files and the goroutines of replicator.Driver. What the driver
// does is done here by process.
package sim
