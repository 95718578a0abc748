// Package apply tests what the extension makes of change sets on a follower: rows, large objects, and functions that every node runs by itself.
package apply

import (
	"os"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
