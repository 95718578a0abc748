package config

import (
	"slices"
	"testing"
)

func TestHostNames(t *testing.T) {
	// A node is called by the names that its operator wrote down for it: those of its own addresses, and further ones.
	c := Config{HTTP: "db1.example:8080", Peer: "n1:7001", HTTPHosts: []string{"lb.example", "n1_front"}, Peers: map[string]string{"n2": "n2:7001"}}
	if got, want := c.HostNames(), []string{"lb.example", "n1_front", "db1.example", "n1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (Config{HTTP: "0.0.0.0:8080", Peer: "[::1]:7001"}).HostNames(); len(got) != 0 {
		t.Errorf("%q, want none", got)
	}
	if err := c.checkHosts(); err != nil {
		t.Error(err)
	}
}
