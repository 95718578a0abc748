CREATE TABLE t (k int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5);
ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid();
ALTER TABLE t ADD COLUMN r float DEFAULT random();
SELECT count(DISTINCT u), count(DISTINCT r) FROM t;
