// Package e2e runs whole clusters: three barista processes with real PostgreSQL servers. It holds tests alone. They need PostgreSQL, the built
// program and the extension (make build), and are skipped without; BARISTA_BIN names a program elsewhere than in bin/.
package e2e

import (
	"os"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
