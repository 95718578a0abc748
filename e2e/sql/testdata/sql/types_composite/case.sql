CREATE TYPE pair AS (a int, b text);
CREATE TYPE nested AS (p pair, ps pair[]);
CREATE TABLE t (k int PRIMARY KEY, n nested, whole pair);
INSERT INTO t VALUES (1, ROW(ROW(1, 'x,"y'), ARRAY[ROW(2, NULL)::pair]), ROW(NULL, NULL)), (2, NULL, (3, ''));
UPDATE t SET whole.a = 7, n.p.b = 'changed' WHERE k = 1;
ALTER TYPE pair ADD ATTRIBUTE c date;
ALTER TYPE pair RENAME ATTRIBUTE b TO bb;
SELECT k, (n).p, whole FROM t ORDER BY k;
