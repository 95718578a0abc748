CREATE TABLE t (a int, b text, c int, d text, PRIMARY KEY (c));
INSERT INTO t VALUES (1, 'b', 1, 'd'), (2, 'bb', 2, 'dd');
ALTER TABLE t DROP COLUMN b;
INSERT INTO t VALUES (3, 3, 'ddd');
ALTER TABLE t DROP COLUMN a, ADD COLUMN b int DEFAULT 5;
UPDATE t SET d = d || b WHERE c = 1;
SELECT * FROM t ORDER BY c;
