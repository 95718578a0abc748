#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): an error that a comparison function catches by itself makes the insert fail with XX000.
#
# An operator class may have a comparison function in PL/pgSQL. If that function catches an error (an EXCEPTION block whose handler runs, so nothing
# is wrong outside it), an INSERT into a b-tree of that class fails with an internal error about a buffer's lock: the rollback of the block's subtransaction releases all
# lightweight locks, among them that of the index page under which the function was called. The same function called by a query, also for a sort, works.
#
# Seen:
#   sorted: 1 2
#   inserted: ERROR:  XX000
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
ask "CREATE FUNCTION cmp(a int, b int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN
		BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;
		RETURN btint4cmp(a, b); END \$\$" \
	"CREATE OPERATOR FAMILY careful USING btree" \
	"CREATE OPERATOR CLASS careful FOR TYPE int USING btree FAMILY careful AS
		OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(int, int)" \
	"CREATE TABLE t (k int)" "CREATE INDEX ON t (k careful)" "INSERT INTO t VALUES (2)"
sorted=$(ask "SELECT string_agg(k::text, ' ' ORDER BY cmp(k, 2)) FROM (VALUES (2), (1)) v (k)")
inserted=$(ask "INSERT INTO t VALUES (1)" || true)
echo "sorted: $sorted"
echo "inserted: $inserted"
[ "$sorted" = "1 2" ] && [ "$inserted" = "ERROR:  XX000" ]
