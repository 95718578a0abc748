// Package sql tests that statements do on Barista what they do on a plain PostgreSQL, or what docs/sql.md says of them.
package sql

import (
	"os"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
