// Package harness is what the tests of the C extension share. It starts
// PostgreSQL servers on unix sockets in short temporary folders, plays barista
// to them (the mapped file and the gate's socket) by script, and feeds what one
// server captured into another. Each package of tests has servers of its own.
package harness
