CREATE TABLE t (k int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b');
CREATE VIEW v AS SELECT k, v FROM t WHERE k > 1; CREATE RECURSIVE VIEW nums (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM nums WHERE n < 3;
CREATE VIEW inv WITH (security_invoker = true) AS TABLE t; CREATE VIEW joined AS SELECT t.*, n FROM t JOIN nums ON n = k;
ALTER VIEW v RENAME COLUMN v TO val; ALTER VIEW v ALTER k SET DEFAULT 9; COMMENT ON VIEW v IS 'a view';
DROP TABLE t; DROP VIEW inv;
SELECT * FROM v; SELECT * FROM joined ORDER BY k; SELECT pg_get_viewdef('v'::regclass);
