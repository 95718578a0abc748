#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): a built-in function that was replaced has its old body when it is called, and its new one when it is inlined.
#
# A superuser may CREATE OR REPLACE a function of pg_catalog, in another language too, and the catalog then shows the new body. But a call looks
# the function's OID up in a list that the server was built with, and runs the C code found there, whatever the catalog says: a new body in PL/pgSQL never runs. One in SQL runs where the planner puts it in the place of
# the call, as it does for a column, and not where it evaluates the call itself, as it does for a constant. So one function has two answers, and
# a row is not found by the value that it was asked for with.
#
# Seen:
#   replaced in PL/pgSQL: begins with BEGIN; called upon a constant ANN, upon a column ANN
#   replaced in SQL: begins with SELECT; called upon a constant ann, upon a column mine: Ann
#   rows where lower(name) = lower('Ann'): 0
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
ask "CREATE TABLE names (name text)" "INSERT INTO names VALUES ('Ann')" \
	"CREATE OR REPLACE FUNCTION pg_catalog.upper(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS \$\$BEGIN RETURN 'mine: ' || \$1; END\$\$" \
	"CREATE OR REPLACE FUNCTION pg_catalog.lower(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS \$\$SELECT 'mine: ' || \$1\$\$"
seen() {
	ask "SELECT format('begins with %s; called upon a constant %s, upon a column %s', split_part(prosrc, ' ', 1), $1('Ann'), $1(name))
		FROM names, pg_proc WHERE oid = '$1(text)'::regprocedure"
}
plpgsql=$(seen upper)
sql=$(seen lower)
rows=$(ask "SELECT count(*) FROM names WHERE lower(name) = lower('Ann')")
echo "replaced in PL/pgSQL: $plpgsql"
echo "replaced in SQL: $sql"
echo "rows where lower(name) = lower('Ann'): $rows"
[ "$plpgsql" = "begins with BEGIN; called upon a constant ANN, upon a column ANN" ] &&
	[ "$sql" = "begins with SELECT; called upon a constant ann, upon a column mine: Ann" ] && [ "$rows" = 0 ]
