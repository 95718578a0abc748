CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t SELECT k, md5(k::text) FROM generate_series(1, 20000) k;
UPDATE t SET v = v || 'x' WHERE k % 3 = 0;
DELETE FROM t WHERE k % 7 = 0;
SELECT count(*), sum(k), sum(length(v)) FROM t;
