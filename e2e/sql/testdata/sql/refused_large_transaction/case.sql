CREATE TABLE t (k int PRIMARY KEY, v text);
-- The cluster of these cases takes 16 MiB in one transaction.
INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i;
SELECT count(*) FROM t;
-- It is refused where it becomes too large, and the session goes on.
BEGIN;
INSERT INTO t VALUES (-1, 'kept');
SAVEPOINT a;
INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(30001, 40000) i;
INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(40001, 50000) i;
ROLLBACK TO a;
INSERT INTO t VALUES (-2, 'kept, too');
COMMIT;
SELECT k, v FROM t WHERE k < 0 ORDER BY k;
-- What was rolled back does not count.
BEGIN;
SAVEPOINT a;
INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(50001, 60000) i;
ROLLBACK TO a;
INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(60001, 70000) i;
COMMIT;
SELECT count(*) FROM t WHERE k BETWEEN 50001 AND 70000;
-- One value, an update, rows that a schema change sends.
INSERT INTO t VALUES (-3, repeat('x', 17000000));
UPDATE t SET v = v || repeat('y', 1000) WHERE k > 60000;
CREATE TABLE copy AS SELECT k, repeat('x', 1000) v FROM generate_series(1, 20000) k;
SELECT to_regclass('copy') IS NULL AS refused;
-- PL/pgSQL can catch it, as any error.
DO $$ BEGIN
  INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(70001, 90000) i;
EXCEPTION WHEN program_limit_exceeded THEN
  INSERT INTO t VALUES (-4, 'caught');
END $$;
SELECT k, length(v) FROM t WHERE k < 0 ORDER BY k;
-- Split, it fits.
INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(100001, 110000) i;
INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(110001, 120000) i;
SELECT count(*) FROM t WHERE k > 100000;
-- Large objects are counted at the COMMIT.
BEGIN;
SELECT lo_from_bytea(4741, repeat('x', 17000000)::bytea);
COMMIT;
SELECT lo_from_bytea(4742, repeat('x', 8000000)::bytea);
SELECT oid FROM pg_largeobject_metadata WHERE oid IN (4741, 4742) ORDER BY oid;
