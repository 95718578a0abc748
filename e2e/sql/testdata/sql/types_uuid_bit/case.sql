CREATE TABLE t (u uuid PRIMARY KEY, b bit(5), v varbit(9), w varbit);
INSERT INTO t VALUES ('00000000-0000-0000-0000-000000000000', B'10101', B'', B'1'), ('ffffffff-ffff-ffff-ffff-ffffffffffff', B'00000', B'111111111', repeat('10', 40)::varbit);
UPDATE t SET b = ~b, v = v || B'' WHERE u > '7fffffff-ffff-ffff-ffff-ffffffffffff';
INSERT INTO t VALUES ('11111111-1111-1111-1111-111111111111', B'1', NULL, NULL);
SELECT * FROM t ORDER BY u;
