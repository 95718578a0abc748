CREATE EXTENSION ltree; CREATE TABLE t (p ltree PRIMARY KEY, q lquery, x ltxtquery); CREATE INDEX ON t USING gist (p);
INSERT INTO t VALUES ('top.a.b', '*.a.*', 'a & b'), ('top', '*', 'top'); UPDATE t SET p = 'new' || p WHERE p ~ 'top.*{1,}'; DELETE FROM t WHERE p = 'top';
SELECT * FROM t;
