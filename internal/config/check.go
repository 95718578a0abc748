package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// nodeName is what a node may be called: it becomes a folder's name and a part of log lines.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// ValidName reports whether a node may have a name.
func ValidName(name string) bool { return nodeName.MatchString(name) }

// Check returns the first mistake in the configuration as one line that names the key, or nil.
func (c Config) Check() error {
	for _, check := range []func() error{c.checkNames, c.checkAddresses, c.checkHosts, c.checkAuth, c.checkProtocol, c.checkSessions, c.checkTransaction, c.checkTimes, c.checkSettings} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) checkNames() error {
	if c.Name == "" {
		return errors.New("name is missing")
	}
	if !nodeName.MatchString(c.Name) {
		return fmt.Errorf("name %q: a name has 1 to 63 letters, digits, '_', '.' or '-'", c.Name)
	}
	if len(c.Peers) == 0 {
		return errors.New("peers is missing: it maps each node's name, this one's too, to its peer address")
	}
	for _, name := range sortedKeys(c.Peers) {
		if !nodeName.MatchString(name) {
			return fmt.Errorf("peers: name %q: a name has 1 to 63 letters, digits, '_', '.' or '-'", name)
		}
	}
	own, found := c.Peers[c.Name]
	if !found {
		return fmt.Errorf("peers has no entry for this node, %s", c.Name)
	}
	if c.Peer != "" && own != c.Peer {
		return fmt.Errorf("peers says that %s is at %s, but peer is %s", c.Name, own, c.Peer)
	}
	return nil
}

func (c Config) checkAddresses() error {
	taken := map[string]string{}
	for _, listen := range []struct {
		key, address string
		required     bool
	}{
		{"pg", c.PG, true}, {"peer", c.Peer, true}, {"thrift", c.Thrift, false}, {"http", c.HTTP, false},
	} {
		if listen.address == "" && !listen.required {
			continue
		}
		if err := checkAddress(listen.key, listen.address); err != nil {
			return err
		}
		if other, found := taken[listen.address]; found {
			return fmt.Errorf("%s and %s are both %s", other, listen.key, listen.address)
		}
		taken[listen.address] = listen.key
	}
	owner := map[string]string{}
	for _, name := range sortedKeys(c.Peers) {
		address := c.Peers[name]
		if err := checkAddress("peers: "+name, address); err != nil {
			return err
		}
		if other, found := owner[address]; found {
			return fmt.Errorf("peers: %s and %s are both at %s", other, name, address)
		}
		owner[address] = name
	}
	return nil
}

func checkAddress(key, address string) error {
	if address == "" {
		return fmt.Errorf("%s is missing: give host:port", key)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %q is not host:port", key, address)
	}
	if host == "" {
		return fmt.Errorf("%s %q has no host; write 127.0.0.1 or 0.0.0.0 before the port", key, address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%s %q: a port is a number from 1 to 65535", key, address)
	}
	return nil
}

// loopbackOnly reports whether clients can reach the node from this machine only.
func (c Config) loopbackOnly() bool {
	for _, address := range []string{c.PG, c.Thrift} {
		if address != "" && !Loopback(address) {
			return false
		}
	}
	return true
}

// Loopback reports whether address (host:port) can be reached from this machine only.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (c Config) checkAuth() error {
	switch c.Auth {
	case Trust, SCRAM:
		return nil
	case "":
		return errors.New("auth is missing: a node that listens beyond loopback says trust or scram itself")
	default:
		return fmt.Errorf("auth %q is neither trust nor scram", c.Auth)
	}
}

// mostSessions keeps what the server sets aside for each connection within reason.
const mostSessions = 10000

func (c Config) checkSessions() error {
	if c.MaxSessions < 1 || c.MaxSessions > mostSessions {
		return fmt.Errorf("max_sessions is %d; it may be 1 to %d", c.MaxSessions, mostSessions)
	}
	return nil
}

// What max_transaction may be: at least what the server keeps in memory anyway, and no more than its setting can say.
const (
	leastTransaction Size = 16 << 20
	mostTransaction  Size = 1 << 40
)

func (c Config) checkTransaction() error {
	if c.MaxTransaction < leastTransaction || c.MaxTransaction > mostTransaction {
		return fmt.Errorf("max_transaction is %v; it may be %v to %v", c.MaxTransaction, leastTransaction, mostTransaction)
	}
	return nil
}

// maxReplaceDead is longer than anybody waits for a machine.
const maxReplaceDead = 1000 * time.Hour

func (c Config) checkTimes() error {
	for _, span := range []struct {
		key      string
		value    time.Duration
		min, max time.Duration
	}{
		{"tick", c.Tick, time.Millisecond, 10 * time.Second},
		{"lease", c.Lease, 10 * time.Millisecond, time.Minute},
		{"election_min", c.ElectionMin, 10 * time.Millisecond, 5 * time.Minute},
		{"election_max", c.ElectionMax, 10 * time.Millisecond, 10 * time.Minute},
		{"hold", c.Hold, time.Millisecond, time.Hour},
		{"suspend", c.Suspend, time.Millisecond, time.Hour},
	} {
		if span.value < span.min || span.value > span.max {
			return fmt.Errorf("%s is %v; it may be %v to %v", span.key, span.value, span.min, span.max)
		}
	}
	switch {
	case c.Lease < 2*c.Tick:
		return fmt.Errorf("lease is %v; it must be at least two ticks (%v)", c.Lease, 2*c.Tick)
	case c.ElectionMin < c.Lease:
		return fmt.Errorf("election_min is %v; it must not be below lease (%v)", c.ElectionMin, c.Lease)
	case c.ElectionMax <= c.ElectionMin:
		return fmt.Errorf("election_max is %v; it must be above election_min (%v)", c.ElectionMax, c.ElectionMin)
	case c.ReplaceDeadAfter != 0 && (c.ReplaceDeadAfter < c.ElectionMax || c.ReplaceDeadAfter > maxReplaceDead):
		return fmt.Errorf("replace_dead_after is %v; it may be 0 (never), or election_max (%v) to %v", c.ReplaceDeadAfter, c.ElectionMax, maxReplaceDead)
	case c.Retention < 1<<20:
		return fmt.Errorf("retention is %v; it must be at least 1MiB", c.Retention)
	}
	return nil
}

func (c Config) checkSettings() error {
	for _, name := range sortedKeys(c.Settings) {
		if err := checkSetting(name, c.Settings[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkSetting(name, value string) error {
	lower := strings.ToLower(name)
	switch {
	case !settingName.MatchString(name):
		return fmt.Errorf("settings: %q is not a setting's name", name)
	case lower == "max_connections":
		return errors.New("settings: max_connections follows from max_sessions: set that key of node.yaml instead")
	case lower == "superuser_reserved_connections" && !fewSessions.MatchString(value):
		return fmt.Errorf("settings: %s is %q; it may be 0 to 999", name, value)
	case name == SharedLibraries:
		return checkLibraries(value)
	case Fixed(lower):
		return fmt.Errorf("settings: %s is fixed by Barista", name)
	case strings.ContainsAny(value, "\n\r\x00"):
		return fmt.Errorf("settings: the value of %s has more than one line", name)
	}
	return nil
}

// fewSessions is a number of sessions that max_connections can be computed with.
var fewSessions = regexp.MustCompile(`^(0|[1-9][0-9]{0,2})$`)

func checkLibraries(value string) error {
	if !libraryNames.MatchString(value) {
		return fmt.Errorf("settings: %s is %q; it may be names of libraries with commas between them, without paths", SharedLibraries, value)
	}
	for name := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(name) == "barista" {
			return fmt.Errorf("settings: %s names barista, which is loaded by itself: name the others only", SharedLibraries)
		}
	}
	return nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
