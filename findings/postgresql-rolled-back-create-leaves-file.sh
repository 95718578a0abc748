#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): ROLLBACK of a CREATE TABLE leaves its files, emptied, until the next checkpoint.
#
# One for the table, one for each index, and two for what is stored out of line. They hold nothing, and are there for five minutes with the default settings. So
# a program that creates and rolls back in a loop fills the folder with names, and who compares the folder with pg_class finds files that belong to nothing, without
# a crash. Those of a temporary table go at once.
#
# Seen:
#   after ROLLBACK: 4 files more, of 0 bytes; after 10 more: 44; after CHECKPOINT: 0
#   of a temporary table, after ROLLBACK: 0
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
folder=$dir/data/pg/base/$(ask "SELECT oid FROM pg_database WHERE datname = current_database()")
# roll_back KIND [TIMES] makes a table with an index and rows, and rolls that back.
roll_back() {
	for time in $(seq "${2:-1}"); do
		ask BEGIN "CREATE $1 t (k text PRIMARY KEY)" "INSERT INTO t SELECT generate_series(1, 1000)" ROLLBACK
	done
}
files() { find "$folder" -name '[0-9t]*' | sort; }
# added says how many files there are that were not there at first, and their size.
added() {
	files | comm -13 "$dir/data/before" - >"$dir/data/added"
	wc -l <"$dir/data/added"
}
ask CHECKPOINT
files >"$dir/data/before"
roll_back TABLE
one=$(added)
size=$(xargs cat <"$dir/data/added" | wc -c)
roll_back TABLE 10
more=$(added)
ask CHECKPOINT
checkpointed=$(added)
roll_back "TEMP TABLE"
temporary=$(added)
echo "after ROLLBACK: $one files more, of $size bytes; after 10 more: $more; after CHECKPOINT: $checkpointed"
echo "of a temporary table, after ROLLBACK: $temporary"
[ "$one $size $more $checkpointed $temporary" = "4 0 44 0 0" ]
