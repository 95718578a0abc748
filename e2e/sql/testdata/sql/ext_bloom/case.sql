CREATE EXTENSION bloom; CREATE TABLE t (a int, b int, c text); CREATE INDEX ON t USING bloom (a, b, c) WITH (length = 80, col1 = 2); INSERT INTO t SELECT i, i % 3, 'v' || i FROM generate_series(1, 100) i; UPDATE t SET b = 7 WHERE a = 5; SET enable_seqscan = off;
SELECT * FROM t WHERE a = 5 AND b = 7;
