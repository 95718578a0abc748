CREATE TABLE src (k int, v int DEFAULT 3 CHECK (v > 0)); INSERT INTO src SELECT i % 5, i % 5 + 1 FROM generate_series(1, 200) i;
CREATE STATISTICS st (ndistinct, dependencies, mcv) ON k, v FROM src; ANALYZE src;
CREATE TABLE t AS SELECT stxdndistinct AS n, stxddependencies AS d, stxdmcv AS m FROM pg_statistic_ext_data JOIN pg_statistic_ext s ON s.oid = stxoid WHERE stxrelid = 'src'::regclass;
CREATE TABLE u (k int PRIMARY KEY, d pg_node_tree); INSERT INTO u SELECT 1, adbin FROM pg_attrdef WHERE adrelid = 'src'::regclass; INSERT INTO u VALUES (2, NULL); INSERT INTO u SELECT 3, conbin FROM pg_constraint WHERE conrelid = 'src'::regclass;
UPDATE u SET k = k + 10; DELETE FROM u WHERE k = 12; CREATE TABLE p (k int) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE classes AS SELECT * FROM pg_class WHERE oid = 'p1'::regclass;
SELECT n, m IS NOT NULL AS mcv FROM t; SELECT k, length(d::text) > 0 AS some FROM u ORDER BY k; SELECT relname, relpartbound IS NULL AS none FROM classes;
