// Package capture tests what the extension captures of a session, and the gate that a session waits at before it commits: proposals, epochs,
// sequences, limits.
package capture

import (
	"os"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
