package apply

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// A file of a table that may not be opened, or is a folder, is an error of the system, which says nothing of the rows: it is no divergence, though
// PostgreSQL gives it the SQLSTATE of a lack of rights. When the file is as it was the batch is applied.
func TestFileThatCannotBeOpened(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table filed (k int primary key)")
	file := filepath.Join(p.Follower.Data(), harness.Value(t, p.Follower.Connect(t), "select pg_relation_filepath('filed')"))
	was, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	harness.Execute(t, p.Leader.Connect(t), "insert into filed values (1)")
	faults := map[string]struct{ make, mend func() error }{
		"without permission": {func() error { return os.Chmod(file, 0) }, func() error { return os.Chmod(file, was.Mode()) }},
		"a folder":           {func() error { return firstError(os.Rename(file, file+".was"), os.Mkdir(file, 0o777)) }, func() error { return firstError(os.Remove(file), os.Rename(file+".was", file)) }},
	}
	log := p.Leader.Gate.Chosen()
	for name, fault := range faults {
		if err := fault.make(); err != nil {
			t.Fatal(err)
		}
		if state := harness.SQLState(p.Follower.TryApply(t, log[len(log)-1])); state != "58030" {
			t.Errorf("%s: applied with SQLSTATE %q", name, state)
		}
		if err := fault.mend(); err != nil {
			t.Fatal(err)
		}
	}
	p.Same(t)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
