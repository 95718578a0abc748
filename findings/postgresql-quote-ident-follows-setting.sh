#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): the function quote_ident(), which is declared IMMUTABLE and may therefore stand in an index, gives what the setting
# quote_all_identifiers says, which any role may change. So a unique index over it lets the same value in twice, in one session, and a query that goes
# through the index finds one row where a scan of the table finds two. Output:
#   immutable
#   inserted twice
#   index 1
#   table 2
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
got=$(ask \
	"SELECT CASE provolatile WHEN 'i' THEN 'immutable' END FROM pg_proc WHERE oid = 'quote_ident(text)'::regprocedure" \
	"CREATE TABLE t (name text)" \
	"CREATE UNIQUE INDEX ON t (quote_ident(name))" \
	"INSERT INTO t VALUES ('latte')" \
	"SET quote_all_identifiers = on" \
	"INSERT INTO t VALUES ('latte')" \
	"RESET quote_all_identifiers" \
	"SELECT 'inserted twice' FROM t GROUP BY name HAVING count(*) = 2" \
	"SET enable_seqscan = off" \
	"SELECT 'index ' || count(*) FROM t WHERE quote_ident(name) = 'latte'" \
	"SET enable_seqscan = on; SET enable_indexscan = off; SET enable_bitmapscan = off" \
	"SELECT 'table ' || count(*) FROM t WHERE quote_ident(name) = 'latte'")
echo "$got"
[ "$got" = "immutable
inserted twice
index 1
table 2" ]
