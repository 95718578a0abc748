//go:build barista_mutations

package paxos

// Planted names the bug that is planted; empty: none. It is set before any Node is made.
var Planted string

func planted(bug string) bool { return bug == Planted }
