CREATE EXTENSION intarray; CREATE EXTENSION intagg; CREATE TABLE t (k int PRIMARY KEY, a int[], q query_int); CREATE INDEX ON t USING gist (a gist__int_ops); CREATE INDEX ON t USING gin (a gin__int_ops);
INSERT INTO t VALUES (1, '{3,1,2}', '1&(2|3)'), (2, '{7}', '!1'); UPDATE t SET a = sort(a) | 9 WHERE a @@ '3'; INSERT INTO t SELECT 3, int_array_aggregate(k) FROM t;
SELECT k, a, q FROM t ORDER BY k;
