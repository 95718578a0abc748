CREATE TABLE t (v text);
INSERT INTO t SELECT 'same' FROM generate_series(1, 20);
DELETE FROM t WHERE ctid IN (SELECT ctid FROM t LIMIT 5);
UPDATE t SET v = 'other' WHERE ctid IN (SELECT ctid FROM t ORDER BY ctid DESC LIMIT 4);
SELECT v, count(*) FROM t GROUP BY v ORDER BY v;
