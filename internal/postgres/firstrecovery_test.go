package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func testFirstRecovery(t *testing.T, c Config) {
	// A copy whose first recovery was stopped in the middle starts by itself, however often that happens; the data folder that it was to replace is there until
	// the copy has been kept.
	s := start(t, c)
	defer s.Kill()
	dest := c
	dir := open(t, c.Account)
	dest.DataDir, dest.SockDir, dest.LogFile = filepath.Join(dir, "pgdata"), filepath.Join(dir, "sock"), filepath.Join(dir, "log")
	replaced := filepath.Join(dest.DataDir, "replaced")
	if err := c.Account.As(func() error { return os.MkdirAll(replaced, 0o700) }); err != nil {
		t.Fatal(err)
	}
	copyServer := func() {
		t.Helper()
		err := dest.BaseBackup(bounded(t), func(ctx context.Context) (net.Conn, error) { return c.dial(ctx, "unix", s.SocketPath()) })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "pgdata.old", "replaced")); err != nil {
			t.Fatalf("the folder before the copy: %v", err)
		}
	}
	copyServer()
	interruptRecovery(t, dest)
	copyServer() // the interrupted one goes, and not the one before it
	for range 2 {
		interruptRecovery(t, dest)
		if _, err := os.Stat(filepath.Join(dest.DataDir, labelFile)); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("the label of an interrupted recovery: %v; want it renamed", err)
		}
	}
	copied := start(t, dest)
	defer copied.Kill()
	if got := ask(t, copied, "SELECT drink FROM public.kept"); got != "latte" {
		t.Errorf("the copy's table holds %q", got)
	}
	if err := dest.KeepCopy(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "pgdata?*")); err != nil || len(left) > 0 {
		t.Errorf("beside the kept copy there are %v, %v", left, err)
	}
}

// interruptRecovery brings a copy into the state in which a kill in the middle of its first recovery leaves it: the server finds only the first record of the
// WAL that it needs, and gets the rest when it has given up.
func interruptRecovery(t *testing.T, c Config) {
	t.Helper()
	label := filepath.Join(c.DataDir, labelFile)
	if _, err := os.Stat(label); errors.Is(err, os.ErrNotExist) {
		label = filepath.Join(c.DataDir, labelBegun)
	}
	text, err := os.ReadFile(label)
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`CHECKPOINT LOCATION: ([0-9A-F]+)/([0-9A-F]+)`).FindStringSubmatch(string(text))
	if words == nil {
		t.Fatalf("the label says %s", text)
	}
	var high, low uint64
	if _, err := fmt.Sscanf(words[1]+" "+words[2], "%X %X", &high, &low); err != nil {
		t.Fatal(err)
	}
	const segment = 16 << 20
	path := filepath.Join(c.DataDir, "pg_wal", fmt.Sprintf("%08X%08X%08X", 1, high, low/segment))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := low % segment
	length := uint64(binary.LittleEndian.Uint32(whole[at:]))
	torn := append([]byte(nil), whole...)
	clear(torn[at+(length+7)/8*8:])
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	if torn, err := c.Start(bounded(t)); err == nil {
		torn.Kill()
		t.Fatal("the server recovered without the WAL that it needs")
	} else if !strings.Contains(err.Error(), "WAL ends before end of online backup") {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
}
