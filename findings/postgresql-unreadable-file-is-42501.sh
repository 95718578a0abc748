#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): a table's file that the server may not open is reported to a superuser as 42501, insufficient_privilege.
#
# The manual has class 58 for what goes wrong outside the server, and a file that is missing is 58P01 there. But a refusal by the operating system gets
# the code of a missing GRANT. So a program that takes 42501 for a verdict on the statement and its role blames the wrong one: the superuser has every right,
# and no GRANT would help. Only the text tells.
#
# Seen:
#   may read: true, superuser: true
#   without permission: ERROR:  42501
#   without the file: ERROR:  58P01
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
ask "CREATE TABLE t AS SELECT 1 k" CHECKPOINT
file=$dir/data/pg/$(ask "SELECT pg_relation_filepath('t')")
# read_again asks for the table after a restart, with nothing of it in memory.
read_again() {
	as "$bin/pg_ctl" -D "$dir/data/pg" -w -l "$dir/data/log" restart >/dev/null
	ask "TABLE t" || true
}
chmod 000 "$file"
refused=$(read_again)
rights=$(ask "SELECT 'may read: ' || has_table_privilege('t', 'SELECT') || ', superuser: ' || rolsuper FROM pg_roles WHERE rolname = current_user")
chmod 600 "$file"
mv "$file" "$dir/data/away"
missing=$(read_again)
echo "$rights"
echo "without permission: $refused"
echo "without the file: $missing"
[ "$rights" = "may read: true, superuser: true" ] && [ "$refused" = "ERROR:  42501" ] && [ "$missing" = "ERROR:  58P01" ]
