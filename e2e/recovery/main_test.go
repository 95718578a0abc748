// Package recovery tests how nodes come back: after kills, lost and damaged disks, commits that PostgreSQL lost, amid large transactions, and
// as new members.
package recovery

import (
	"os"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
