package config

import (
	"errors"
	"os"
	"testing"
)

func TestClaim(t *testing.T) {
	// One process holds a folder: the second is refused and told who has it; after the release the next gets it.
	c := Config{Dir: t.TempDir()}
	if pid, err := Holder(c); pid != 0 || err != nil {
		t.Fatalf("an unclaimed folder has holder %d, %v", pid, err)
	}
	releaseFirst, err := Claim(c)
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := Holder(c); pid != os.Getpid() || err != nil {
		t.Errorf("holder %d, %v; want %d", pid, err, os.Getpid())
	}
	if _, err := Claim(c); !errors.Is(err, ErrClaimed) || !IsMistake(err) {
		t.Errorf("the second claim: %v; want ErrClaimed", err)
	}
	if err := releaseFirst(); err != nil {
		t.Fatal(err)
	}
	releaseSecond, err := Claim(c)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := releaseSecond(); err != nil {
		t.Fatal(err)
	}
}

func TestClaimAfterACrash(t *testing.T) {
	// A PID file that a killed process left behind claims nothing.
	c := Config{Dir: t.TempDir()}
	if err := os.WriteFile(c.PIDFile(), []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if pid, err := Holder(c); pid != 0 || err != nil {
		t.Errorf("holder %d, %v; want none", pid, err)
	}
	release, err := Claim(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}
