CREATE TABLE t (k int PRIMARY KEY, v int); CREATE SEQUENCE s;
\set QUIET on
\set ECHO none
BEGIN;
SELECT format('SAVEPOINT s%s', g), format('INSERT INTO t VALUES (%s, %s)', g, g) FROM generate_series(1, 3000) g \gexec
ROLLBACK TO s2001;
SELECT format('SAVEPOINT r%s', g), format('UPDATE t SET v = -v WHERE k = %s', g) FROM generate_series(1, 1000) g \gexec
SELECT format('CREATE TABLE made%s AS SELECT count(*) FROM t', g), format('SAVEPOINT d%s', g) FROM generate_series(1, 20) g \gexec
ROLLBACK TO d10;
RELEASE s5;
INSERT INTO t VALUES (5000, 1);
COMMIT;
BEGIN;
SELECT format('SAVEPOINT s%s', g), format('DELETE FROM t WHERE k = %s', g), 'UPDATE t SET v = v + nextval(''s'') * 0 WHERE k = 5000', format(CASE WHEN g % 2 = 0 THEN 'ROLLBACK TO s%s' ELSE 'RELEASE s%s' END, g) FROM generate_series(1, 1500) g \gexec
COMMIT;
\set ECHO all
\set QUIET off
SELECT count(*), sum(v), min(k), max(k), nextval('s') FROM t; SELECT count(*) FROM pg_class WHERE relname LIKE 'made%' AND relnamespace = 'tx_savepoints_thousands_deep'::regnamespace; SELECT * FROM made10;
