CREATE TABLE t (k int PRIMARY KEY, v text); CREATE INDEX v ON t (v); INSERT INTO t VALUES (1, 'b'), (2, 'a'); CLUSTER t USING t_pkey;
BEGIN; CLUSTER t USING v; INSERT INTO t VALUES (3, 'c'); COMMIT; BEGIN; CLUSTER t USING t_pkey; ROLLBACK;
CLUSTER t;
SELECT indexrelid::regclass, indisclustered FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1; SELECT k FROM t ORDER BY ctid;
