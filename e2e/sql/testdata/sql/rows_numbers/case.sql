CREATE TABLE n (id int PRIMARY KEY, s smallint, i int, b bigint, d numeric, d2 numeric(12,3), r real, f float8, m money, o oid);
INSERT INTO n VALUES (1, 1, 2, 3, 4.5000, 6.7, 0.1, 1e300, 12.34, 4000000000),
  (2, -32768, -2147483648, -9223372036854775808, 'NaN', NULL, '-Infinity', 'NaN', -1, 0),
  (3, NULL, NULL, NULL, 'Infinity', 999999999.999, '1e-45', 4.9e-324, NULL, NULL);
UPDATE n SET d = d * 2, f = f / 3 WHERE id = 1;
SELECT * FROM n ORDER BY id;
