CREATE TABLE t (k int PRIMARY KEY, a int[], b text[][], c jsonb[], d timestamptz[]);
SET TimeZone = 'UTC';
INSERT INTO t VALUES (1, '[0:2]={1,NULL,3}', '{{a,"b c"},{"NULL",NULL}}', ARRAY['{"x": "{,}"}'::jsonb], '{2024-01-01}'), (2, '{}', NULL, '{}', '{infinity}');
UPDATE t SET a[5] = 9 WHERE k = 1;
UPDATE t SET a = array_append(a, k), b = b || b;
SELECT * FROM t ORDER BY k;
