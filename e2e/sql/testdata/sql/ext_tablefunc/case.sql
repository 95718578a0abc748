CREATE EXTENSION tablefunc; CREATE TABLE t (k int, a text, v text); INSERT INTO t VALUES (1, 'x', 'a'), (1, 'y', 'b'), (2, 'x', 'c'); CREATE TABLE r (k int, x text, y text); INSERT INTO r SELECT * FROM crosstab('SELECT k, a, v FROM ext_tablefunc.t ORDER BY 1, 2') AS ct (k int, x text, y text); INSERT INTO r SELECT count(*) + 100 FROM normal_rand(5, 0, 1);
SELECT * FROM r ORDER BY k;
