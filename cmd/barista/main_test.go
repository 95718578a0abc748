package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/baristadb/barista/internal/config"
)

func TestMistakesOnTheCommandLine(t *testing.T) {
	// Every wrong argument is one clear line on stderr and exit status 2.
	dir := t.TempDir()
	wrong := filepath.Join(dir, "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("name: n1\npgport: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good, open := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "open")
	const smallest = "name: n1\npg: 127.0.0.1:1\npeer: 127.0.0.1:2\npeers: {n1: \"127.0.0.1:2\"}\n"
	if err := errors.Join(os.WriteFile(good, []byte(smallest), 0o600), os.WriteFile(open, []byte("espresso"), 0o600), os.Chmod(open, 0o644)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "which command"},
		{[]string{"brew"}, `"brew"`},
		{[]string{"start"}, "--config is missing"},
		{[]string{"start", "--config"}, "config"},
		{[]string{"start", "--config", filepath.Join(dir, "absent.yaml")}, "no such file"},
		{[]string{"start", "--config", wrong}, "pgport"},
		{[]string{"start", "--frob"}, "frob"},
		{[]string{"start", "now"}, `"now" is one too many`},
		{[]string{"init"}, "--config is missing"},
		{[]string{"init", "--config", dir}, "is a folder"},
		{[]string{"init", "--config", good, "--password-file", filepath.Join(dir, "absent")}, "there is no file"},
		{[]string{"init", "--config", good, "--password-file", open}, "is open to everybody"},
		{[]string{"demo", "--nodes", "three"}, "three"},
		{[]string{"demo", "--nodes", "0", "--dir", filepath.Join(dir, "d")}, "1 to 9 nodes"},
		{[]string{"demo", "--pg-port", "0"}, "--pg-port 0"},
		{[]string{"demo", "--http-port", "70000"}, "--http-port 70000"},
		{[]string{"demo", "--dir", file}, file},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			var stderr bytes.Buffer
			status := conclude(dispatch(t.Context(), c.args, &bytes.Buffer{}), &stderr)
			if status != 2 || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("status %d, stderr %q; want status 2 and one line with %q", status, stderr.String(), c.want)
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	// The demo names the port that someone else listens on.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	var stderr bytes.Buffer
	args := []string{"demo", "--nodes", "1", "--dir", t.TempDir(), "--pg-port", port}
	if status := conclude(dispatch(t.Context(), args, &bytes.Buffer{}), &stderr); status != 2 || !strings.Contains(stderr.String(), port) {
		t.Errorf("status %d, stderr %q; want 2 and the port %s", status, stderr.String(), port)
	}
}

func TestConclude(t *testing.T) {
	// The exit status says who can help: 2 the person who typed, 1 nobody at once, an ExitError what it says.
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("broken"), 1},
		{fmt.Errorf("node: %w", config.Mistakef("typed wrong")), 2},
		{fmt.Errorf("listen: %w", syscall.EADDRINUSE), 2},
		{fmt.Errorf("open: %w", syscall.EACCES), 2},
		{errors.Join(ExitError{Code: 7}, errors.New("more")), 7},
		{errors.New("said\nelsewhere: \x1b[2J"), 1},
	} {
		var stderr bytes.Buffer
		if got := conclude(c.err, &stderr); got != c.want {
			t.Errorf("%v: status %d, want %d", c.err, got, c.want)
		}
		if strings.Count(stderr.String(), "\n") > 1 || strings.Contains(stderr.String(), "\x1b") {
			t.Errorf("%v: %q is not one line, harmless for a terminal", c.err, stderr.String())
		}
	}
}

func TestHelp(t *testing.T) {
	// Help goes to stdout, names every command, and is no failure; so does a command's own.
	var stdout bytes.Buffer
	if err := dispatch(t.Context(), []string{"help"}, &stdout); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !strings.Contains(stdout.String(), c.name) {
			t.Errorf("help does not name %s", c.name)
		}
		var own bytes.Buffer
		if err := dispatch(t.Context(), []string{c.name, "-h"}, &own); err != nil || own.Len() == 0 {
			t.Errorf("%s -h: %v, %q", c.name, err, own.String())
		}
	}
}

func TestInitRefusesAUsedFolder(t *testing.T) {
	// A new cluster begins in an empty folder, but for the node.yaml itself.
	dir := t.TempDir()
	path := filepath.Join(dir, "node.yaml")
	text := "name: n1\npg: 127.0.0.1:6432\npeer: 127.0.0.1:7001\npeers: {n1: '127.0.0.1:7001'}\n"
	for name, text := range map[string]string{"node.yaml": text, "grandma.jpg": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := dispatch(t.Context(), []string{"init", "--config", path}, &bytes.Buffer{})
	if !config.IsMistake(err) || !strings.Contains(err.Error(), "grandma.jpg") {
		t.Errorf("init: %v; want a Mistake that names the file", err)
	}
}
