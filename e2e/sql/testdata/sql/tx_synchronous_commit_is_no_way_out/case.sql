CREATE TABLE t (k int);
SET synchronous_commit = off; INSERT INTO t VALUES (1); SET synchronous_commit = remote_apply; INSERT INTO t VALUES (2); SHOW synchronous_commit; RESET synchronous_commit;
BEGIN; SET LOCAL synchronous_commit = local; INSERT INTO t VALUES (3); COMMIT;
SELECT * FROM t ORDER BY k;
