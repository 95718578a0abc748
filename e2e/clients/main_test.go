// Package clients tests drivers, tools and the protocol through every node, and what clients find in databases, large objects and unlogged
// tables.
package clients

import (
	"os"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
