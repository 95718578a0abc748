// Package exttest tests the C extension against real PostgreSQL servers.
//
// Its harness starts servers on unix sockets in short temporary folders, plays
// barista to them (the mapped file and the gate's socket) by script, and feeds
// what one server captured into another. There is nothing here but tests.
package exttest
