#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): who may read a table cannot, for want of EXECUTE upon a function of its index; that holds for an empty table too.
#
# To plan a query upon a table the server loads the expressions of its indexes, and evaluates in them what is immutable and has constant arguments, with the
# rights of whoever asks, whether the query can use the index or not. So a plain SELECT, EXPLAIN, and a DELETE of nothing, end with "permission denied for
# function", or with whatever error the function raises; the table's own REINDEX fails on no rows. COPY of the table, which is not planned, works, and so does a SELECT where
# the function's argument is a column: it is then called for rows that are written.
#
# Seen:
#   a reader, index upon k + f(1): SELECT ERROR:  42501, EXPLAIN ERROR:  42501, DELETE ERROR:  42501, COPY
#   a reader, index upon f(k): SELECT
#   f raises an error, index upon k + f(1): REINDEX ERROR:  P0001, SELECT ERROR:  P0001
#   f raises an error, index upon f(k): REINDEX, SELECT
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
ask "CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END'" "REVOKE EXECUTE ON FUNCTION f FROM PUBLIC" "CREATE ROLE reader" \
	"CREATE TABLE by_constant (k int)" "CREATE INDEX ON by_constant ((k + f(1)))" \
	"CREATE TABLE by_column (k int)" "CREATE INDEX ON by_column ((f(k)))" \
	"GRANT SELECT, DELETE ON by_constant, by_column TO reader"
# try NAME SQL... says NAME and what went wrong, if anything did; no statement here returns a row when it works.
try() {
	name=$1
	shift
	echo "$name $(ask "$@" || true)" | sed 's/ $//'
}
reads="a reader, index upon k + f(1): $(try SELECT "SET ROLE reader" "TABLE by_constant"), $(
	try EXPLAIN "SET ROLE reader" "EXPLAIN TABLE by_constant"), $(
	try DELETE "SET ROLE reader" "DELETE FROM by_constant WHERE false"), $(try COPY "SET ROLE reader" "COPY by_constant TO STDOUT")
a reader, index upon f(k): $(try SELECT "SET ROLE reader" "TABLE by_column")"
ask "CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE ''called''; END'"
fails="f raises an error, index upon k + f(1): $(try REINDEX "REINDEX TABLE by_constant"), $(try SELECT "TABLE by_constant")
f raises an error, index upon f(k): $(try REINDEX "REINDEX TABLE by_column"), $(try SELECT "TABLE by_column")"
echo "$reads"
echo "$fails"
[ "$reads" = "a reader, index upon k + f(1): SELECT ERROR:  42501, EXPLAIN ERROR:  42501, DELETE ERROR:  42501, COPY
a reader, index upon f(k): SELECT" ] && [ "$fails" = "f raises an error, index upon k + f(1): REINDEX ERROR:  P0001, SELECT ERROR:  P0001
f raises an error, index upon f(k): REINDEX, SELECT" ]
