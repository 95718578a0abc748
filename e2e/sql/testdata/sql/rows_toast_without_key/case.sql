CREATE TABLE t (big text, n int);
ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
INSERT INTO t SELECT repeat(md5((k % 2)::text), 300), k FROM generate_series(1, 6) k;
UPDATE t SET n = n + 100 WHERE n > 4;
DELETE FROM t WHERE n = 1;
SELECT md5(big), n FROM t ORDER BY n;
