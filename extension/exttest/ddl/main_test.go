// Package ddl tests schema changes as a follower replays them, and what is refused of them.
package ddl

import (
	"os"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
