//go:build barista_mutations

package rivals

// Planted names the bug that is planted; empty: none. It is set before anybody meets.
var Planted string

func planted(bug string) bool { return bug == Planted }
