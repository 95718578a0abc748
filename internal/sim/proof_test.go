//go:build !barista_mutations

package sim

import (
	"os/exec"
	"testing"
)

func TestSimulationFindsBugs(t *testing.T) {
	// Shows that the simulation can find bugs: it builds itself anew with some to plant, one after the other, and finds each.
	if testing.Short() {
		t.Skip("takes a build of its own")
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-tags", "barista_mutations", "-count=1", "-run", "^Test(Planted|Scripted)Bugs$", "-v", ".")
	output, err := cmd.CombinedOutput()
	t.Logf("%s", output)
	if err != nil {
		t.Errorf("%s: %v", cmd, err)
	}
}
