//go:build !barista_mutations

package sim

// planted reports whether a bug is planted in the world itself. In this build none is.
func planted(string) bool { return false }
