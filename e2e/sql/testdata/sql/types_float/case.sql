CREATE TABLE t (k int PRIMARY KEY, a real, b double precision);
INSERT INTO t VALUES (1, 'NaN', 'Infinity'), (2, -0.0, 0.1), (3, 3.4028235e38, 1.7976931348623157e308), (4, 1e-45, 5e-324);
UPDATE t SET b = b / 3 WHERE k = 2;
SET extra_float_digits = -10;
UPDATE t SET a = b WHERE k = 2;
RESET extra_float_digits;
SELECT *, float8send(b) FROM t ORDER BY k;
