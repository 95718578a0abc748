CREATE EXTENSION btree_gin; CREATE EXTENSION btree_gist; CREATE TABLE t (k int, r int4range, v text, EXCLUDE USING gist (k WITH =, r WITH &&)); CREATE INDEX ON t USING gin (k, v);
INSERT INTO t VALUES (1, '[1,5)', 'a'), (2, '[1,5)', 'b'); INSERT INTO t VALUES (1, '[2,3)', 'c'); UPDATE t SET k = 3 WHERE v = 'a';
SELECT * FROM t ORDER BY k;
