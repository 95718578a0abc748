package postgres

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/baristadb/barista/internal/config"
)

// The encoding and locale of every server: the same on each node, and independent of the machine's.
const (
	encoding = "UTF8"
	locale   = "C.UTF-8"
)

// Arrivals is how many connections that are not authenticated yet a server has room for. Whoever lets clients in must let in no more.
const Arrivals = 128

// Connections beside those of clients.
const (
	superuserConnections = 10 // for superusers, when all others have what they may have, unless Settings say otherwise
	ownConnections       = 20 // barista's, and of clients that are gone and whose backends have not noticed yet
)

// superusersOnly is the PostgreSQL setting that says how many of a server's sessions are for superusers.
const superusersOnly = "superuser_reserved_connections"

// superusers is how many sessions beyond MaxSessions superusers may have.
func (c Config) superusers() int {
	for name, value := range c.Settings {
		if n, err := strconv.Atoi(value); err == nil && strings.EqualFold(name, superusersOnly) {
			return n
		}
	}
	return superuserConnections
}

// kept is how many of the server's connections no session of a client gets. PostgreSQL's own check lets only superusers have the last
// ones, which barista is not at each moment; so there are as many beyond what it needs.
func (c Config) kept() int { return Arrivals + ownConnections + c.superusers() }

// Sessions is how many clients the server admits at once, superusers among them.
func (c Config) Sessions() int { return c.MaxSessions + c.superusers() }

// A setting is one PostgreSQL setting.
type setting struct{ name, value string }

// fixedSettings are what Barista's guarantees rest on. They go on the command line, which outranks every file and
// ALTER SYSTEM, and into postgresql.conf too, so that a server started by hand has them as well. Those whose names
// start with barista. go on the command line only: without them the extension lets nobody write.
func (c Config) fixedSettings() []setting {
	settings := []setting{
		// What the server must be, for the change sets to mean the same on every node and to survive a crash.
		{"fsync", "on"},
		{"full_page_writes", "on"},
		{"wal_level", "replica"},
		{"max_wal_senders", "10"},
		{"max_replication_slots", "10"},
		{"max_prepared_transactions", "0"},
		{"synchronous_standby_names", ""},
		// Barista restarts it, when the node no longer leads.
		{"restart_after_crash", "off"},
		// Only barista and people on this machine reach it.
		{"listen_addresses", ""},
		{"unix_socket_directories", c.SockDir},
		{"unix_socket_permissions", "0777"}, // the folder is closed
		{"port", strconv.Itoa(Port)},
		{"db_user_namespace", "off"}, // a client's name is that of its role
		{"cluster_name", c.Name},
		{"logging_collector", "off"},
	}
	if c.MaxSessions > 0 {
		settings = append(settings, setting{"max_connections", strconv.Itoa(c.Sessions() + c.kept())})
	}
	if c.Extension == nil {
		return settings
	}
	return append(settings,
		setting{config.SharedLibraries, c.libraries()},
		setting{"dynamic_library_path", c.LibDir + ":$libdir"},
	)
}

// libraries are what the server loads. Barista's comes first, so that at a commit PostgreSQL calls it after the others: what they do there is
// captured, and nothing fails after the transaction was agreed on.
func (c Config) libraries() string {
	if more := c.Settings[config.SharedLibraries]; more != "" {
		return "barista, " + more
	}
	return "barista"
}

// startSettings are the fixed settings of one start: those that go on the command line only.
func (c Config) startSettings() []setting {
	if c.Extension == nil {
		return nil
	}
	settings := []setting{
		{"barista.shared_file", c.SharedFile}, {"barista.gate_socket", c.GateSocket}, {"barista.client_socket", c.ClientSocket},
	}
	if c.MaxSessions > 0 {
		settings = append(settings, setting{"barista.kept_connections", strconv.Itoa(c.kept())})
	}
	if c.MaxTransaction > 0 {
		settings = append(settings, setting{"barista.max_transaction", strconv.FormatInt(int64(c.MaxTransaction)>>10, 10) + "kB"})
	}
	return settings
}

// defaultSettings are better defaults than PostgreSQL's own; a node's settings override them.
func defaultSettings() []setting {
	return []setting{
		// The journal is the durable record: the server flushes its WAL seldom, and then much of it.
		{"wal_writer_delay", "500ms"},
		{"wal_writer_flush_after", "16MB"},
		{superusersOnly, strconv.Itoa(superuserConnections)},
		// A client has two messages to send until then, and each front door waits only for half as long for the first.
		{"authentication_timeout", "30s"},
		// What a session sees must not change with the node that leads.
		{"timezone", "UTC"},
		{"log_timezone", "UTC"},
		{"datestyle", "iso, mdy"},
		{"default_text_search_config", "pg_catalog.english"},
		{"lc_messages", locale},
		{"lc_monetary", locale},
		{"lc_numeric", locale},
		{"lc_time", locale},
		{"log_line_prefix", "%m [%p] %q%u@%d "},
		{"password_encryption", "scram-sha-256"},
	}
}

// commandLine returns the arguments that start the server with its fixed settings.
func (c Config) commandLine() []string {
	args := []string{"-D", c.DataDir}
	for _, s := range slices.Concat(c.fixedSettings(), c.startSettings()) {
		args = append(args, "-c", s.name+"="+s.value)
	}
	return args
}

// writeSettings writes the server's configuration into the data folder at dir.
func (c Config) writeSettings(dir string) error {
	for name, text := range map[string]string{
		"postgresql.conf": c.settingsFile(),
		"pg_hba.conf":     c.accessFile(),
		"pg_ident.conf":   c.identityFile(),
	} {
		if err := replaceFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("configure the server: %w", err)
		}
	}
	return nil
}

func (c Config) settingsFile() string {
	var text strings.Builder
	text.WriteString("# Written by barista at every start of the server; changes made here are lost.\n" +
		"# Put settings into node.yaml (settings:), or use ALTER SYSTEM.\n\n")
	for _, s := range defaultSettings() {
		writeSetting(&text, s)
	}
	text.WriteString("\n# From node.yaml.\n")
	text.WriteString(c.ownSettings())
	text.WriteString("\n# Fixed: barista also gives these on the command line.\n")
	for _, s := range c.fixedSettings() {
		writeSetting(&text, s)
	}
	return text.String()
}

// ownSettings are the settings of node.yaml, as the server reads them.
func (c Config) ownSettings() string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		if config.Fixed(name) && c.Extension != nil {
			continue // a part of what is fixed
		}
		writeSetting(&text, setting{name, c.Settings[name]})
	}
	return text.String()
}

func writeSetting(text *strings.Builder, s setting) {
	fmt.Fprintf(text, "%s = '%s'\n", s.name, strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s.value))
}
