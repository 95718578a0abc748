// Package recovery tests how processes that died come back with what they had: all at once, with commits that PostgreSQL lost, amid large
// transactions, with their sequences and commit times; and how members come and go.
package recovery

import (
	"os"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
