// Package doors tests who gets in and with what rights: crowds, garbage, strangers, operators, the account that runs a node, and users' code.
package doors

import (
	"os"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
