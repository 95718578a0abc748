CREATE TABLE src (k int PRIMARY KEY, v text); INSERT INTO src SELECT k, 'v' || k FROM generate_series(1, 5) k;
CREATE TABLE t AS SELECT k, v, random() AS r, now() AS n FROM src;
CREATE TABLE empty AS SELECT * FROM src WITH NO DATA;
CREATE TABLE IF NOT EXISTS t AS SELECT 1;
UPDATE t SET v = 'u' WHERE k = 1; INSERT INTO empty VALUES (1, 'x');
SELECT k, v FROM t ORDER BY k; SELECT * FROM empty;
