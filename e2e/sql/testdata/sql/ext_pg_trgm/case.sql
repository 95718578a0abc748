CREATE EXTENSION pg_trgm; CREATE TABLE t (k int PRIMARY KEY, v text); CREATE INDEX ON t USING gin (v gin_trgm_ops); CREATE INDEX ON t USING gist (v gist_trgm_ops(siglen=32));
INSERT INTO t VALUES (1, 'coffee'), (2, 'espresso'); UPDATE t SET v = v || ' bean' WHERE v % 'cofee'; SET enable_seqscan = off;
SELECT * FROM t WHERE v LIKE '%spres%'; SELECT * FROM t ORDER BY k;
