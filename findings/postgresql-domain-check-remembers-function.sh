#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): a function that is replaced changes a table's CHECK at once, a domain's CHECK only for sessions that have not used it.
#
# Both checks call the same function with nothing but constants. The domain's is planned when a session first uses the domain, with what the function, declared
# immutable, gave then, and kept until the domain is altered; a table's is planned for each statement. So after CREATE OR REPLACE FUNCTION the sessions of a pool
# judge the same value differently, for as long as they live. ALTER DOMAIN, if only of its name, brings them together.
#
# Seen:
#   limit 10: in the table ERROR:  23514, of the domain ERROR:  23514
#   limit 100, same session: in the table 50, of the domain ERROR:  23514
#   limit 100, same session, after ALTER DOMAIN: of the domain 50
#   limit 100, new session: in the table 50, of the domain 50
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
highest() { echo "CREATE OR REPLACE FUNCTION highest() RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END'"; }
ask "$(highest 10)" "CREATE TABLE t (k int CHECK (k < highest()))" "CREATE DOMAIN small AS int CHECK (VALUE < highest())"
table="INSERT INTO t VALUES (50) RETURNING k"
domain="SELECT 50::small"
old=$(ask "$table" "$domain" "$(highest 100)" "$table" "$domain" "ALTER DOMAIN small RENAME TO low" "SELECT 50::low" | tr -s '\n' ,)
new=$(ask "$table" "SELECT 50::low" | tr -s '\n' ,)
IFS=,
set -- $old $new
unset IFS
echo "limit 10: in the table $1, of the domain $2"
echo "limit 100, same session: in the table $3, of the domain $4"
echo "limit 100, same session, after ALTER DOMAIN: of the domain $5"
echo "limit 100, new session: in the table $6, of the domain $7"
[ "$*" = "ERROR:  23514 ERROR:  23514 50 ERROR:  23514 50 50 50" ]
