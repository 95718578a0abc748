// Package folders tests what becomes of a node whose folder is not as it left it: lost, damaged, or an old copy; and of one that is initialised
// anew beside the cluster that it belongs to.
package folders

import (
	"os"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
