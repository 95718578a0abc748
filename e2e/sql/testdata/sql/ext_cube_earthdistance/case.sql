CREATE EXTENSION cube; CREATE EXTENSION earthdistance; CREATE TABLE t (k int PRIMARY KEY, c cube, e earth); CREATE INDEX ON t USING gist (c);
INSERT INTO t VALUES (1, '(1,2),(3,4)', ll_to_earth(48, 16)), (2, '(0.1)', NULL); UPDATE t SET c = cube_enlarge(c, 1, 2) WHERE k = 1; DELETE FROM t WHERE c @> '(0.1)'::cube AND k = 2;
SELECT k, c, round(earth_distance(e, ll_to_earth(48, 17))) FROM t;
