//go:build !barista_mutations

package sim

// planted reports whether a bug is planted in the world itself. In this build none is.
func planted(string) bool { return false }

// blind reports whether a rule is not looked at, to see that another one finds the same.
func blind(string) bool { return false }
