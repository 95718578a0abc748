CREATE TABLE t (k int PRIMARY KEY, r float, u uuid, b bool); INSERT INTO t SELECT k, random(), gen_random_uuid(), random() < 0.5 FROM generate_series(1, 30) k;
DO $$ BEGIN UPDATE t SET r = random() WHERE random() < 0.5; DELETE FROM t WHERE random() < 0.3; INSERT INTO t SELECT k + 100, r * 2 FROM t TABLESAMPLE BERNOULLI (50); END $$;
SELECT count(*) BETWEEN 1 AND 200 AS some FROM t;
