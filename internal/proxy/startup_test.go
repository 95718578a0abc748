package proxy

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// startupOf returns a start-up packet without its length.
func startupOf(pairs ...string) []byte {
	b := []byte{0, 3, 0, 0}
	for _, s := range pairs {
		b = append(append(b, s...), 0)
	}
	return append(b, 0)
}

// A client's own attempts to be Barista, to replicate, or to set Barista's settings are refused; everything else passes.
func TestStartupCheck(t *testing.T) {
	tests := []struct {
		pairs []string
		want  string
	}{
		{[]string{"user", "alice", "database", "shop", "application_name", "psql"}, ""},
		{nil, ""},
		{[]string{"user", "barista"}, "28000"},
		{[]string{"user", "alice", "user", "barista"}, "28000"},
		{[]string{"user", "Barista"}, ""},
		{[]string{"user", "baristas"}, ""},
		{[]string{"user", "a", "replication", "database"}, "0A000"},
		{[]string{"user", "a", "replication", "true"}, "0A000"},
		{[]string{"user", "a", "replication", "1"}, "0A000"},
		{[]string{"user", "a", "replication", "o"}, "0A000"},
		{[]string{"user", "a", "replication", ""}, "0A000"},
		{[]string{"user", "a", "replication", "off"}, ""},
		{[]string{"user", "a", "replication", "F"}, ""},
		{[]string{"user", "a", "barista.session", "local"}, "42501"},
		{[]string{"user", "a", "BARISTA.session", "local"}, "42501"},
		{[]string{"user", "a", "baristax.session", "local"}, ""},
		{[]string{"user", "a", "options", "-c barista.session=local"}, "42501"},
		{[]string{"user", "a", "options", "-cbarista.session=local"}, "42501"},
		{[]string{"user", "a", "options", "--Barista.session=local"}, "42501"},
		{[]string{"user", "a", "options", "-ecbarista.session=local"}, "42501"},
		{[]string{"user", "a", "options", `-c bar\ista.session=local`}, "42501"},
		{[]string{"user", "a", "options", "-c\fbarista.session=local"}, "42501"},
		{[]string{"user", "a", "options", "-c search_path=barista.x -c geqo=off"}, ""},
		{[]string{"user", "a", "options", `-c search_path=a\ barista.x`}, ""},
	}
	for _, test := range tests {
		s, err := parseStartup(startupOf(test.pairs...))
		if err != nil {
			t.Errorf("%q: %v", test.pairs, err)
			continue
		}
		got := ""
		if f := s.check(); f != nil {
			got = f.SQLSTATE
		}
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.pairs, got, test.want)
		}
	}
}

// What is forwarded is the client's packet and one more parameter.
func TestStartupForward(t *testing.T) {
	s, err := parseStartup(startupOf("user", "alice", "client_encoding", "LATIN1"))
	if err != nil {
		t.Fatal(err)
	}
	got := s.forward()
	want := startupOf("user", "alice", "client_encoding", "LATIN1", "barista.session", "leader")
	if !bytes.Equal(got[4:], want) || binary.BigEndian.Uint32(got) != uint32(len(got)) {
		t.Errorf("forwarded %q, want %q", got, want)
	}
}

// Packets that are no start-up packets are errors.
func TestStartupMalformed(t *testing.T) {
	for _, raw := range []string{"", "\x00\x03\x00\x00", "\x00\x03\x00\x00user", "\x00\x03\x00\x00user\x00", "\x00\x03\x00\x00user\x00a",
		"\x00\x03\x00\x00user\x00a\x00", "\x00\x03\x00\x00user\x00a\x00\x00x"} {
		if _, err := parseStartup([]byte(raw)); err == nil {
			t.Errorf("%q was accepted", raw)
		}
	}
}

// Any bytes give a start-up packet or an error; a good one is still good, and says the same, when forwarded.
func FuzzStartup(f *testing.F) {
	f.Add(startupOf("user", "a", "options", "-c x=y"))
	f.Add([]byte{0, 3, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseStartup(raw)
		if err != nil || s.check() != nil {
			return
		}
		again, err := parseStartup(s.forward()[4:])
		if err != nil {
			t.Fatalf("forwarded packet: %v", err)
		}
		last := again.parameters[len(again.parameters)-1]
		if len(again.parameters) != len(s.parameters)+1 || last != (parameter{"barista.session", "leader"}) {
			t.Fatalf("forwarded %v of %v", again.parameters, s.parameters)
		}
		for _, p := range s.parameters {
			if strings.HasPrefix(strings.ToLower(p.name), "barista.") {
				t.Fatalf("%q passed", p.name)
			}
		}
	})
}
