CREATE TABLE t (k int PRIMARY KEY, big text, note text);
ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
INSERT INTO t SELECT k, repeat(md5(k::text), 400), 'new' FROM generate_series(1, 5) k;
UPDATE t SET note = 'touched' WHERE k <= 3;
UPDATE t SET big = big || 'x' WHERE k = 2;
UPDATE t SET k = 30 WHERE k = 3;
DELETE FROM t WHERE k = 4;
SELECT k, length(big), md5(big), note FROM t ORDER BY k;
