CREATE TABLE t (id int PRIMARY KEY, big text, other int);
ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
INSERT INTO t SELECT g, repeat(md5(g::text), 1000), 0 FROM generate_series(1, 5) g;
UPDATE t SET other = 1;
UPDATE t SET big = big || 'x' WHERE id = 2;
UPDATE t SET id = id + 10 WHERE id = 3;
DELETE FROM t WHERE id = 4;
SELECT id, length(big), md5(big), other FROM t ORDER BY id;
