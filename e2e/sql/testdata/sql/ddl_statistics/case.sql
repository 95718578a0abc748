CREATE TABLE t (a int, b int); INSERT INTO t SELECT i % 10, i % 10 FROM generate_series(1, 100) i;
CREATE STATISTICS s (dependencies, ndistinct) ON a, b FROM t; CREATE STATISTICS e ON (a + b) FROM t; CREATE STATISTICS IF NOT EXISTS s ON a, b FROM t;
ALTER STATISTICS s SET STATISTICS 50; ALTER STATISTICS s RENAME TO stats; ANALYZE t; DROP STATISTICS e;
SELECT stxname, stxkind, stxstattarget FROM pg_statistic_ext WHERE stxrelid = 't'::regclass;
