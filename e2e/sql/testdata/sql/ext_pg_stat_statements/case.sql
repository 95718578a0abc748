CREATE EXTENSION pg_stat_statements; CREATE TABLE t (k int); INSERT INTO t VALUES (1); SELECT count(*) FROM pg_stat_statements;
SELECT * FROM t;
