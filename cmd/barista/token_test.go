package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

func TestTokenCommand(t *testing.T) {
	// barista token prints the token of a node's cluster, also while the node runs; where there is no cluster yet, or its secret may not be read, it says so.
	dir := t.TempDir()
	path, secret := filepath.Join(dir, "node.yaml"), filepath.Join(dir, "secret")
	text := "name: n1\npg: 127.0.0.1:6432\npeer: 127.0.0.1:7001\npeers: {n1: '127.0.0.1:7001'}\n"
	for at, text := range map[string]string{path: text, secret: "espresso, long and strong\n"} {
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(want string) {
		t.Helper()
		out, errs, exit := typed(t, "token", "--config", path)
		if exit != statusMistake || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("status %d, %q, %q; want %q", exit, out, errs, want)
		}
	}
	refused("has no journal")
	identity := paxos.IdentityRecord{Cluster: [16]byte{1}, Name: "n1", Incarnation: 7, Node: 1}
	if err := journal.Create(filepath.Join(dir, "journal"), identity, paxos.Floor{Members: paxos.FirstMembership("n1", 7, "127.0.0.1:7001")}); err != nil {
		t.Fatal(err)
	}
	running, err := journal.Open(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	want := admin.Token([]byte("espresso, long and strong"), identity.Cluster)
	if out, errs, exit := typed(t, "token", "--config", path); exit != 0 || out != want+"\n" || errs != "" {
		t.Errorf("status %d, %q, %q; want %q", exit, out, errs, want)
	}
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	refused("is open to everybody")
	if out, errs, exit := typed(t, "token"); exit != statusMistake || out != "" {
		t.Errorf("status %d, %q, %q", exit, out, errs)
	}
}
