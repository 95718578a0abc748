#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): a base backup whose first recovery was stopped half way does not start again, though nothing of it is missing.
#
# The first start reads backup_label, notes in pg_control that the backup's end is still to come, and renames the file. If recovery ends before that point,
# here because the WAL was not there yet, each later start is an ordinary recovery, which reads past the backup's end without looking for it and then
# ends with "WAL ends before end of online backup", with the advice to supply all WAL. All of it is there; one more attempt changes nothing. The file
# under its first name again (backup_label.old becomes backup_label) makes it start.
#
# Seen:
#   first start, without part of the WAL: WAL ends before end of online backup
#   with all WAL: WAL ends before end of online backup
#   once more: WAL ends before end of online backup
#   with the label renamed back: drink latte
#
# Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
ask "CREATE TABLE kept AS SELECT 'latte' drink"
copy=$dir/data/copy
as "$bin/pg_basebackup" -h "$dir/data" -U postgres -D "$copy" -c fast -X stream
as "$bin/pg_ctl" -D "$dir/data/pg" stop >/dev/null

# attempt starts the copy, and says its row or what ended it.
attempt() {
	if as "$bin/pg_ctl" -D "$copy" -w -l "$dir/data/attempt" -o "-c listen_addresses= -c unix_socket_directories=$dir/data" start >/dev/null 2>&1; then
		ask "SELECT 'drink ' || drink FROM kept"
		as "$bin/pg_ctl" -D "$copy" stop >/dev/null
	else
		sed -n 's/.*FATAL:  //p' "$dir/data/attempt" | tail -n 1
	fi
}

# What follows the checkpoint that the label names is taken out of the WAL, and put back after the first start.
wal=$copy/pg_wal/$(sed -n 's/^START WAL.*(file \(.*\))/\1/p' "$copy/backup_label")
checkpoint=$(sed -n 's/^CHECKPOINT LOCATION: //p' "$copy/backup_label")
next=$("$bin/pg_waldump" -s "$checkpoint" -n 2 "$wal" | sed -n '2s|.*lsn: [^/]*/\([^,]*\),.*|\1|p')
at=$((0x$next % (16 << 20)))
cp "$wal" "$dir/data/wal"
head -c "$at" "$dir/data/wal" >"$wal"
head -c "$(((16 << 20) - at))" /dev/zero >>"$wal"
first=$(attempt)
cat "$dir/data/wal" >"$wal"
whole=$(attempt)
again=$(attempt)
mv "$copy/backup_label.old" "$copy/backup_label"
renamed=$(attempt)
echo "first start, without part of the WAL: $first"
echo "with all WAL: $whole"
echo "once more: $again"
echo "with the label renamed back: $renamed"
ends="WAL ends before end of online backup"
[ "$first" = "$ends" ] && [ "$whole" = "$ends" ] && [ "$again" = "$ends" ] && [ "$renamed" = "drink latte" ]
