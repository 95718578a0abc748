#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): session_authorization in a start-up packet is taken and has no effect.
#
# A superuser's client that asks for another session user when it connects (PGOPTIONS, or a parameter of the start-up packet, as
# drivers send them) gets no error, and is the superuser: authentication has set the value from a source that outranks the client's.
# Other settings of superusers, session_replication_role for example, do take effect there, and SET SESSION AUTHORIZATION works once connected.
# Whoever means to drop rights this way goes on as superuser without a word.
#
# Seen:
#   at the start: postgres|postgres|replica
#   after SET: other|other
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
ask "CREATE ROLE other"
options="-c session_authorization=other -c session_replication_role=replica"
begun=$(ask "SELECT session_user, current_user, current_setting('session_replication_role')")
options=
changed=$(ask "SET SESSION AUTHORIZATION other" "SELECT session_user, current_user")
echo "at the start: $begun"
echo "after SET: $changed"
[ "$begun" = "postgres|postgres|replica" ] && [ "$changed" = "other|other" ]
