//go:build barista_mutations

package replicator

// Planted names the bug that is planted; empty: none. It is set before any Replicator is made.
var Planted string

func planted(bug string) bool { return bug == Planted }
