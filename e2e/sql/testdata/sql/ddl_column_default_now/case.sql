CREATE TABLE t (k int PRIMARY KEY); INSERT INTO t VALUES (1), (2);
ALTER TABLE t ADD COLUMN at timestamptz DEFAULT now();
ALTER TABLE t ADD COLUMN day date DEFAULT current_date;
SELECT k, at IS NOT NULL AS set, at > now() - interval '1 hour' AS recent FROM t ORDER BY k;
