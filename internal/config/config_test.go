package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const smallest = `
name: n1
pg: 127.0.0.1:6432
peer: 127.0.0.1:7001
peers: {n1: "127.0.0.1:7001"}
`

func TestDefaults(t *testing.T) {
	// The smallest node.yaml gets every default of the design, and paths beside the file.
	got, err := Parse([]byte(smallest), "/srv/n1")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Name: "n1", Dir: "/srv/n1", PG: "127.0.0.1:6432", Peer: "127.0.0.1:7001",
		Peers:      map[string]string{"n1": "127.0.0.1:7001"},
		SecretFile: "/srv/n1/secret", Auth: Trust, MaxSessions: 500, MaxTransaction: 4 << 30,
		Protocol: Multi,
		Tick:     100 * time.Millisecond, Lease: time.Second, ElectionMin: time.Second, ElectionMax: 2 * time.Second,
		Hold: 10 * time.Second, Suspend: 5 * time.Second, Retention: 1 << 30, MinFree: 256 << 20, ReplaceDeadAfter: 10 * time.Minute,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestMistakes(t *testing.T) {
	// Each mistake is refused with one line that names the key.
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", smallest + "pgport: 1\n", "pgport"},
		{"not YAML", "name: [", "yaml"},
		{"two documents' worth of keys", smallest + "name: n2\n", "name"},
		{"no name", strings.Replace(smallest, "name: n1", "", 1), "name is missing"},
		{"bad name", strings.Replace(smallest, "name: n1", "name: ../n1", 1), "name \"../n1\""},
		{"no pg", strings.Replace(smallest, "pg: 127.0.0.1:6432", "", 1), "pg is missing"},
		{"bad port", strings.Replace(smallest, "6432", "70000", 1), "pg \"127.0.0.1:70000\""},
		{"no host", strings.Replace(smallest, "127.0.0.1:6432", "':6432'", 1), "has no host"},
		{"no port", strings.Replace(smallest, "127.0.0.1:6432", "127.0.0.1", 1), "is not host:port"},
		{"not among the peers", strings.Replace(smallest, "{n1:", "{n2:", 1), "no entry for this node"},
		{"peer differs", strings.Replace(smallest, "peer: 127.0.0.1:7001", "peer: 127.0.0.1:7002", 1), "but peer is"},
		{"same address twice", smallest + "http: 127.0.0.1:6432\n", "both 127.0.0.1:6432"},
		{"two peers at one address", strings.Replace(smallest, "{n1:", "{n2: '127.0.0.1:7001', n1:", 1), "n1 and n2 are both at"},
		{"auth open to the world", strings.Replace(smallest, "127.0.0.1:6432", "0.0.0.0:6432", 1), "auth is missing"},
		{"unknown protocol", smallest + "protocol: raft\n", "protocol \"raft\""},
		{"unknown auth", smallest + "auth: md5\n", "auth \"md5\""},
		{"span without unit", smallest + "lease: 5\n", "line 6"},
		{"host with a port", smallest + "http_hosts: ['db1.example:8080']\n", "http_hosts"},
		{"host with a wildcard", smallest + "http_hosts: ['*']\n", "http_hosts"},
		{"no sessions", smallest + "max_sessions: 0\n", "max_sessions is 0; it may be 1 to 10000"},
		{"too many sessions", smallest + "max_sessions: 20000\n", "max_sessions is 20000"},
		{"too small transactions", smallest + "max_transaction: 1MiB\n", "max_transaction is 1MiB; it may be 16MiB to 1TiB"},
		{"too large transactions", smallest + "max_transaction: 2TiB\n", "max_transaction is 2TiB; it may be 16MiB to 1TiB"},
		{"transactions without a unit", smallest + "max_transaction: 1000000\n", "is not a size"},
		{"no transactions", smallest + "max_transaction: 0B\n", "max_transaction is 0B; it may be"},
		{"superusers' sessions", smallest + "settings: {Superuser_reserved_connections: 0x10}\n", "it may be 0 to 999"},
		{"server's sessions", smallest + "settings: {max_connections: '7'}\n", "max_connections follows from max_sessions"},
		{"zero span", smallest + "hold: 0s\n", "hold is 0s"},
		{"replaced too early", smallest + "replace_dead_after: 1s\n", "replace_dead_after is 1s"},
		{"election below lease", smallest + "election_min: 900ms\n", "election_min"},
		{"election range empty", smallest + "election_max: 1s\n", "election_max"},
		{"lease below two ticks", smallest + "tick: 600ms\n", "lease"},
		{"size without unit", smallest + "retention: 100\n", "100"},
		{"size too small", smallest + "retention: 1KiB\n", "retention"},
		{"size too large", smallest + "retention: 9999999999TiB\n", "9999999999TiB"},
		{"fixed setting", smallest + "settings: {fsync: \"off\"}\n", "fsync is fixed"},
		{"fixed setting in capitals", smallest + "settings: {FSYNC: \"off\"}\n", "FSYNC is fixed"},
		{"Barista's own library", smallest + "settings: {shared_preload_libraries: 'pg_cron, barista'}\n", "names barista"},
		{"library with a path", smallest + "settings: {shared_preload_libraries: /tmp/x}\n", "without paths"},
		{"libraries in capitals", smallest + "settings: {Shared_preload_libraries: pg_cron}\n", "is fixed"},
		{"setting with a line break", smallest + "settings: {work_mem: \"1\\n2\"}\n", "more than one line"},
		{"no setting's name", smallest + "settings: {\"a b\": \"1\"}\n", "not a setting's name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text), "/srv/n1")
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q; want one line with %q", err, c.want)
			}
		})
	}
}

func TestWriteAndLoad(t *testing.T) {
	// What Write wrote, Load reads back; and a file that is missing, a folder or no node.yaml is a Mistake.
	dir := t.TempDir()
	path := filepath.Join(dir, "node.yaml")
	want, err := Parse([]byte(smallest+"settings: {wal_writer_delay: 10s, autovacuum: off, shared_preload_libraries: 'pg_cron, pg_stat_statements'}\nthrift: 127.0.0.1:9000\n"), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-written +read):\n%s", diff)
	}
	if want := map[string]string{"wal_writer_delay": "10s", "autovacuum": "off", "shared_preload_libraries": "pg_cron, pg_stat_statements"}; !maps.Equal(got.Settings, want) {
		t.Errorf("settings %v, want %v", got.Settings, want)
	}

	garbage := filepath.Join(dir, "garbage.yaml")
	if err := os.WriteFile(garbage, []byte("\x00\x01"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "absent.yaml"), dir, garbage} {
		if _, err := Load(path); !IsMistake(err) || !strings.Contains(err.Error(), path) {
			t.Errorf("Load(%s): %v; want a Mistake that names it", path, err)
		}
	}
}

func TestSizes(t *testing.T) {
	// Sizes are read and written in the largest whole unit.
	for text, want := range map[string]Size{"1GiB": 1 << 30, "1536MiB": 1536 << 20, "0B": 0, "7 KiB": 7 << 10} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
		var again Size
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%q came back from %q as %d, %v", text, got, again, err)
		}
	}
}

func TestFixedIsSorted(t *testing.T) {
	// Fixed searches the list by halves, which needs it sorted.
	if !slices.IsSorted(fixed) {
		t.Error("the list of fixed settings is not sorted")
	}
}

func FuzzParse(f *testing.F) {
	// Whatever stands in the file, reading it ends with a configuration that passes Check or one error.
	f.Add([]byte(smallest))
	f.Add([]byte("settings: {a: b}\nretention: 1GiB"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text, "/srv")
		if err != nil {
			return
		}
		if err := c.Check(); err != nil {
			t.Errorf("accepted, but %v", err)
		}
	})
}
