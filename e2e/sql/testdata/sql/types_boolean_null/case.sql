CREATE TABLE t (k int PRIMARY KEY, b boolean, c boolean NOT NULL DEFAULT true, d text);
INSERT INTO t (k, b) VALUES (1, true), (2, false), (3, NULL);
UPDATE t SET b = NOT b, d = nullif(k, 2)::text;
INSERT INTO t VALUES (4, true, NULL);
UPDATE t SET d = '' WHERE d IS NULL;
SELECT *, d IS NULL AS none FROM t ORDER BY k;
