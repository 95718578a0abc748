#!/bin/sh
# PostgreSQL 15.20 (Debian 15.20-0+deb12u1): after Execute and Flush, an answered INSERT is not kept and an answered COMMIT is, though both end with 57P01.
#
# In the extended protocol, a statement outside a block is committed at Sync and not when CommandComplete is sent: who reads "INSERT 0 1" after Flush and loses
# the session before Sync has stored nothing. COMMIT commits when it is executed. It does so without a BEGIN, too, for what came since the last Sync; and a BEGIN makes
# a block of what came before it. If the session is terminated then, the same FATAL 57P01 follows in each case. So the error says nothing of the
# transaction, and CommandComplete only if its statement is the COMMIT.
#
# Seen:
#   INSERT: INSERT 0 1, 57P01; kept: 0
#   INSERT, COMMIT: INSERT 0 1, COMMIT, 57P01; kept: 1
#   BEGIN, INSERT, COMMIT: BEGIN, INSERT 0 1, COMMIT, 57P01; kept: 1
#   INSERT, BEGIN, INSERT, COMMIT, INSERT: INSERT 0 1, BEGIN, INSERT 0 1, COMMIT, INSERT 0 1, 57P01; kept: 2
#
# Needs Python 3. Exits with 0 if it is still so, 1 if not.
. "$(dirname "$0")/postgresql15.inc"
start_postgresql
cat >"$dir/data/client.py" <<'PYTHON'
import socket, struct, sys

# Sends the statements with Flush and no Sync; says its process number, then each CommandComplete and the code of what ends it.
server = socket.socket(socket.AF_UNIX)
server.settimeout(60)
server.connect(sys.argv[1])
stream = server.makefile("rb")

def send(kind, body):
    server.sendall(kind + struct.pack("!I", 4 + len(body)) + body)

def messages():
    while head := stream.read(5):
        yield head[:1], stream.read(struct.unpack("!I", head[1:])[0] - 4)

send(b"", struct.pack("!I", 3 << 16) + b"user\0postgres\0\0")
for kind, body in messages():
    if kind == b"K":
        backend = struct.unpack("!I", body[:4])[0]
    if kind == b"Z":
        break
for sql in sys.argv[2:]:
    send(b"P", b"\0" + sql.encode() + b"\0" + b"\0\0")
    send(b"B", b"\0\0" + b"\0\0" * 3)
    send(b"E", b"\0" + b"\0\0\0\0")
send(b"H", b"")
answered = []
for kind, body in messages():
    if kind == b"C":
        answered.append(body[:-1].decode())
    if len(answered) == len(sys.argv) - 2:
        print(backend, flush=True)
        break
for kind, body in messages():
    if kind == b"E":
        answered += [field[1:].decode() for field in body.split(b"\0") if field[:1] == b"C"]
print(", ".join(answered))
PYTHON
mkfifo "$dir/data/says"
# try NAME SQL... terminates the client's session once all is answered, and says what the client was told and what is kept.
try() {
	name=$1
	shift
	ask "DROP TABLE IF EXISTS t" "CREATE TABLE t (k int)" >/dev/null
	python3 "$dir/data/client.py" "$dir/data/.s.PGSQL.5432" "$@" >"$dir/data/says" &
	{
		read -r backend
		ask "SELECT pg_terminate_backend($backend)" >/dev/null
		read -r told
	} <"$dir/data/says"
	wait
	echo "$name: $told; kept: $(ask "SELECT count(*) FROM t")"
}
insert="INSERT INTO t VALUES (1)"
seen=$(
	try INSERT "$insert"
	try "INSERT, COMMIT" "$insert" COMMIT
	try "BEGIN, INSERT, COMMIT" BEGIN "$insert" COMMIT
	try "INSERT, BEGIN, INSERT, COMMIT, INSERT" "$insert" BEGIN "$insert" COMMIT "$insert"
)
echo "$seen"
[ "$seen" = "INSERT: INSERT 0 1, 57P01; kept: 0
INSERT, COMMIT: INSERT 0 1, COMMIT, 57P01; kept: 1
BEGIN, INSERT, COMMIT: BEGIN, INSERT 0 1, COMMIT, 57P01; kept: 1
INSERT, BEGIN, INSERT, COMMIT, INSERT: INSERT 0 1, BEGIN, INSERT 0 1, COMMIT, INSERT 0 1, 57P01; kept: 2" ]
