CREATE TABLE t (k int, v text); INSERT INTO t SELECT k % 5, 'v' FROM generate_series(1, 40) k;
UPDATE t SET v = 'hit' WHERE ctid IN (SELECT ctid FROM t LIMIT 3); DELETE FROM t WHERE ctid IN (SELECT ctid FROM t ORDER BY random() LIMIT 11);
WITH x AS (SELECT ctid FROM t LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE t SET v = 'job' FROM x WHERE t.ctid = x.ctid; INSERT INTO t SELECT row_number() OVER (), 'numbered' FROM t;
SELECT count(*) FROM t;
