// Package objects tests schema changes of what is no table, as a follower replays them: databases, event triggers, foreign servers, settings and
// security labels; and the rights of roles.
package objects

import (
	"os"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
