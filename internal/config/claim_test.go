package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestClaim(t *testing.T) {
	// One process holds a folder: the second is refused and told who has it; after the release the next gets it.
	path := filepath.Join(t.TempDir(), "barista.pid")
	if pid, err := Holder(path); pid != 0 || err != nil {
		t.Fatalf("an unclaimed folder has holder %d, %v", pid, err)
	}
	first, err := TakeClaim(path)
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := Holder(path); pid != os.Getpid() || err != nil {
		t.Errorf("holder %d, %v; want %d", pid, err, os.Getpid())
	}
	if _, err := TakeClaim(path); !errors.Is(err, ErrClaimed) || !IsMistake(err) {
		t.Errorf("the second claim: %v; want ErrClaimed", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := TakeClaim(path)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestClaimAfterACrash(t *testing.T) {
	// A PID file that a killed process left behind claims nothing.
	path := filepath.Join(t.TempDir(), "barista.pid")
	if err := os.WriteFile(path, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if pid, err := Holder(path); pid != 0 || err != nil {
		t.Errorf("holder %d, %v; want none", pid, err)
	}
	claim, err := TakeClaim(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := claim.Release(); err != nil {
		t.Fatal(err)
	}
}
