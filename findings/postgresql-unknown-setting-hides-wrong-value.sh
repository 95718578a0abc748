#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): one unknown name in postgresql.conf hides the wrong values beside it, from pg_file_settings too.
#
# A wrong value in the file does no harm to the others: they are taken at a reload, and pg_file_settings, which is there to check the file, names the wrong
# one. A name that does not exist ends the matter before any value is looked at: nothing is taken, also not what stood there rightly, and pg_file_settings and
# "postgres -C" name nothing but the name. Whoever mends that meets the wrong values only then. A program that writes the file and asks for all mistakes has to ask again.
#
# Seen:
#   work_mem = many: maintenance_work_mem becomes 3MB; mistakes: work_mem
#   also no_such_name = 1: maintenance_work_mem stays 3MB; mistakes: no_such_name; postgres -C names no_such_name
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
# reload LINE... adds the lines to postgresql.conf and waits until the server has said what it made of them.
reload() {
	before=$(grep -c 'contains errors' "$dir/data/log" || true)
	printf '%s\n' "$@" >>"$dir/data/pg/postgresql.conf"
	ask "SELECT pg_reload_conf()" >/dev/null
	for wait in $(seq 100); do
		[ "$(grep -c 'contains errors' "$dir/data/log" || true)" = "$before" ] || return 0
		sleep 0.2
	done
	return 1
}
mistakes="SELECT string_agg(name, ' ') FROM pg_file_settings WHERE error IS NOT NULL"
reload "maintenance_work_mem = 3MB" "work_mem = many"
value="maintenance_work_mem becomes $(ask "SHOW maintenance_work_mem"); mistakes: $(ask "$mistakes")"
reload "maintenance_work_mem = 4MB" "no_such_name = 1"
name="maintenance_work_mem stays $(ask "SHOW maintenance_work_mem"); mistakes: $(ask "$mistakes")"
name="$name; postgres -C names $(as "$bin/postgres" -D "$dir/data/pg" -C work_mem 2>&1 | grep -o 'work_mem\|no_such_name' | sort -u)"
echo "work_mem = many: $value"
echo "also no_such_name = 1: $name"
[ "$value" = "maintenance_work_mem becomes 3MB; mistakes: work_mem" ] &&
	[ "$name" = "maintenance_work_mem stays 3MB; mistakes: no_such_name; postgres -C names no_such_name" ]
