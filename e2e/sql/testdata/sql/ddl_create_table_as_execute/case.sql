PREPARE q (int) AS SELECT $1 AS a, 'b'::text AS b;
CREATE TABLE t AS EXECUTE q (5);
BEGIN; CREATE TABLE u AS VALUES (1, 'one'), (2, 'two'); UPDATE u SET column2 = 'changed' WHERE column1 = 1; COMMIT;
BEGIN; CREATE TABLE gone AS SELECT 1; ROLLBACK;
SELECT * FROM t; SELECT * FROM u ORDER BY 1; SELECT to_regclass('gone');
