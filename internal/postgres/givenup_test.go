package postgres

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/config"
)

// asideConfig is that of a node of which the given folders are there, each with a file that says which it is.
func asideConfig(t *testing.T, folders ...string) Config {
	t.Helper()
	dir := t.TempDir()
	for _, name := range folders {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "PG_VERSION"), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Config{DataDir: filepath.Join(dir, "pgdata"), Log: slog.New(slog.DiscardHandler)}
}

// dataAre says which folder the data folder is; empty: there is none.
func dataAre(t *testing.T, c Config) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.DataDir, "PG_VERSION"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func TestExchangeThatWasCutShort(t *testing.T) {
	// Shows that a process which died between the two renamings of an exchange finds the data from before it, and no other one puts anything back.
	for _, test := range []struct {
		there []string
		want  string
	}{
		{[]string{"pgdata.old", "pgdata.new"}, "pgdata.old"}, // the first renaming was made
		{[]string{"pgdata.old", "pgdata.new", "pgdata.gone"}, "pgdata.old"},
		{[]string{"pgdata", "pgdata.old"}, "pgdata"}, // both were
		{[]string{"pgdata", "pgdata.new"}, "pgdata"}, // none was
		{[]string{"pgdata.new"}, ""},                 // nobody knows whether it is whole
	} {
		c := asideConfig(t, test.there...)
		if err := c.PutBack(); err != nil {
			t.Fatal(err)
		}
		missing, err := c.Missing()
		if got := dataAre(t, c); got != test.want || missing != (test.want == "") || err != nil {
			t.Errorf("of %v the data folder is %q; want %q (missing: %v, %v)", test.there, got, test.want, missing, err)
		}
	}
}

func TestDataThatAreGivenUp(t *testing.T) {
	// Shows that no server starts on data that are given up, nor on those before them, wherever an exchange that was cut short has left them; and that a
	// copy which takes their place may be started, while they are kept.
	c := asideConfig(t, "pgdata", "pgdata.old", "copy")
	const why = "they are torn"
	if err := c.GiveUp(why); err != nil {
		t.Fatal(err)
	}
	for k := range 2 {
		got, err := c.GivenUp()
		if err != nil || got != why {
			t.Errorf("folder %d is given up because %q, %v", k, got, err)
		}
		if err := c.checkData(); !config.IsMistake(err) || !strings.Contains(err.Error(), why) {
			t.Errorf("a start on folder %d: %v", k, err)
		}
		if k == 0 { // as DropUnkept does, or an exchange
			if err := os.RemoveAll(c.DataDir); err != nil {
				t.Fatal(err)
			}
			if err := c.PutBack(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.exchange(filepath.Join(filepath.Dir(c.DataDir), "copy")); err != nil {
		t.Fatal(err)
	}
	if got, err := c.GivenUp(); got != "" || err != nil || dataAre(t, c) != "copy" {
		t.Errorf("the data folder is %q, and given up because %q, %v", dataAre(t, c), got, err)
	}
	if _, err := os.Stat(filepath.Join(c.replacedFolder(), givenUpFile)); err != nil {
		t.Errorf("what is kept: %v", err)
	}
}

func TestWhatIsNoDataFolder(t *testing.T) {
	// Shows that a link which somebody has put in the place of the folder that is kept is neither written through nor taken for data.
	c := asideConfig(t)
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, c.replacedFolder()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(noteGivenUp(c.replacedFolder(), "it is torn"), c.PutBack()); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(elsewhere)
	missing, lost := c.Missing()
	if len(entries) > 0 || !missing || err != nil || lost != nil {
		t.Errorf("behind the link are %v; there is no data folder: %v (%v, %v)", entries, missing, err, lost)
	}
}

func TestNoDataInThePlaceOfThoseThatAreKept(t *testing.T) {
	// Shows that data are not taken for a copy that was never kept, because of a link or an empty folder by the name of those that are kept: they stay, and
	// step aside for a copy; what the link leads to stays, too.
	for _, put := range []func(from, at string) error{os.Symlink, func(_, at string) error { return os.Mkdir(at, 0o700) }} {
		c := asideConfig(t, "pgdata", "copy", "elsewhere")
		dir := filepath.Dir(c.DataDir)
		if err := put(filepath.Join(dir, "elsewhere"), c.replacedFolder()); err != nil {
			t.Fatal(err)
		}
		if err := c.DropUnkept(t.Context()); err != nil || dataAre(t, c) != "pgdata" {
			t.Errorf("the data folder is %q: %v", dataAre(t, c), err)
		}
		if err := c.exchange(filepath.Join(dir, "copy")); err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join(c.replacedFolder(), "PG_VERSION"))
		if dataAre(t, c) != "copy" || string(kept) != "pgdata" {
			t.Errorf("the data folder is %q, and %q is kept: %v", dataAre(t, c), kept, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "elsewhere", "PG_VERSION")); err != nil {
			t.Error(err)
		}
	}
}
