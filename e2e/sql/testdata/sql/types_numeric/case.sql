CREATE TABLE t (k int PRIMARY KEY, n numeric, m numeric(10,2), s numeric(3,-2));
INSERT INTO t VALUES (1, 'NaN', 1.005, 12345), (2, 'Infinity', -0.004, 149), (3, '-Infinity', NULL, NULL), (4, 1e-300, 99999999.994, 0), (5, 123456789012345678901234567890.123456789, 1, -250);
UPDATE t SET n = n * 3 WHERE k >= 4;
UPDATE t SET m = 1e8 WHERE k = 4;
SELECT * FROM t ORDER BY k;
