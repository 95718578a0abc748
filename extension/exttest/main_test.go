// Package exttest tests the C extension against real PostgreSQL servers.
package exttest

import (
	"os"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
