CREATE TYPE celsius;
CREATE FUNCTION celsius_in(cstring) RETURNS celsius IMMUTABLE STRICT LANGUAGE internal AS 'float8in';
CREATE FUNCTION celsius_out(celsius) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'float8out';
CREATE TYPE celsius (INPUT = celsius_in, OUTPUT = celsius_out, LIKE = float8);
CREATE CAST (celsius AS float8) WITHOUT FUNCTION;
CREATE TABLE t (k int PRIMARY KEY, c celsius, h celsius[]);
INSERT INTO t VALUES (1, '36.6', '{1,2.5}'), (2, 'NaN', NULL);
UPDATE t SET h = h || c WHERE k = 1;
SELECT * FROM t ORDER BY k;
