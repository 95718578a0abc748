//go:build !barista_mutations

package rivals

// planted reports whether a bug is planted on purpose, to prove that the simulation finds it. Only the build of that proof
// (tag barista_mutations) has any; here the answer is a constant, and the compiler drops what it guards.
func planted(string) bool { return false }
