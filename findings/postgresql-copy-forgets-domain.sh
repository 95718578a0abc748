#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): COPY stores NULL in a column of a NOT NULL domain that it is not given, and the table's dump cannot be restored.
#
# INSERT of the same row is refused. The manual of CREATE DOMAIN warns of a NULL that a query brings about (an outer join, an empty sub-select), not of
# COPY with a list of columns. COPY of all columns, as a dump has it, does ask the domain: of the dump of such a table no row comes back. A CHECK (VALUE IS NOT NULL)
# of the domain is passed over in the same way; NOT NULL at the column is kept.
#
# Seen:
#   INSERT: ERROR:  23502
#   COPY where NOT NULL stands at the column: ERROR:  23502
#   COPY: 1 row, NULL in NOT NULL: true, in CHECK (VALUE IS NOT NULL): true
#   restored from a dump: 0 rows, ERROR:  23502
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
ask "CREATE DOMAIN present AS int NOT NULL" "CREATE DOMAIN checked AS int CHECK (VALUE IS NOT NULL)" \
	"CREATE TABLE t (k int, a present, b checked)" "CREATE TABLE u (k int, a int NOT NULL)"
inserted=$(ask "INSERT INTO t (k) VALUES (1)" || true)
column=$(echo 1 | ask "COPY u (k) FROM STDIN" || true)
echo 1 | ask "COPY t (k) FROM STDIN"
copied=$(ask "SELECT count(*) || ' row, NULL in NOT NULL: ' || bool_and(a IS NULL) ||
	', in CHECK (VALUE IS NOT NULL): ' || bool_and(b IS NULL) FROM t")
as "$bin/pg_dump" -h "$dir/data" -U postgres --data-only -t t -f "$dir/data/dump" postgres
restored=$(ask "TRUNCATE t" "\\i $dir/data/dump" | sed -n 's/.*\(ERROR: .*\)/\1/p')
restored="$(ask "SELECT count(*) FROM t") rows, $restored"
echo "INSERT: $inserted"
echo "COPY where NOT NULL stands at the column: $column"
echo "COPY: $copied"
echo "restored from a dump: $restored"
[ "$inserted" = "ERROR:  23502" ] && [ "$column" = "ERROR:  23502" ] &&
	[ "$copied" = "1 row, NULL in NOT NULL: true, in CHECK (VALUE IS NOT NULL): true" ] && [ "$restored" = "0 rows, ERROR:  23502" ]
