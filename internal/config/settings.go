package config

import (
	"regexp"
	"slices"
	"strings"
)

// settingName is a PostgreSQL setting's name, with or without an extension's prefix.
var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$`)

// fixed are the PostgreSQL settings whose value Barista's guarantees rest on, or that name places which Barista
// has to know. They go on the server's command line, where neither a file nor ALTER SYSTEM overrides them.
var fixed = []string{
	"allow_system_table_mods",
	"archive_cleanup_command",
	"cluster_name",
	"config_file",
	"data_directory",
	"db_user_namespace",
	"dynamic_library_path",
	"external_pid_file",
	"fsync",
	"full_page_writes",
	"hba_file",
	"ident_file",
	"ignore_system_indexes",
	"listen_addresses",
	"local_preload_libraries",
	"logging_collector",
	"max_connections",
	"max_prepared_transactions",
	"max_replication_slots",
	"max_wal_senders",
	"port",
	"primary_conninfo",
	"recovery_end_command",
	"restart_after_crash",
	"restore_command",
	"session_preload_libraries",
	"session_replication_role",
	"shared_preload_libraries",
	"synchronous_standby_names",
	"unix_socket_directories",
	"unix_socket_group",
	"unix_socket_permissions",
	"wal_level",
	"zero_damaged_pages",
}

// SharedLibraries is the PostgreSQL setting of the libraries that the server loads at its start. Barista's own is fixed as the first; further
// ones, such as pg_stat_statements, may be named in a node.yaml.
const SharedLibraries = "shared_preload_libraries"

// libraryNames are names of libraries without a path, as SharedLibraries lists them.
var libraryNames = regexp.MustCompile(`^[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*$`)

// Fixed reports whether Barista alone decides about the PostgreSQL setting of that (lower-case) name.
func Fixed(name string) bool {
	if strings.HasPrefix(name, "barista.") && name != "barista.spill_limit" {
		return true
	}
	_, found := slices.BinarySearch(fixed, name)
	return found
}
