// Package faults tests what clients are told, and what is there afterwards, when nodes die, stand still or are cut off, and when leadership
// is handed over.
package faults

import (
	"os"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
