CREATE TABLE t (k int, v text); INSERT INTO t SELECT k, 'v' || k FROM generate_series(1, 10) k;
CREATE INDEX CONCURRENTLY i ON t (k); CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON t (v);
INSERT INTO t VALUES (11, 'v1');
CREATE UNIQUE INDEX CONCURRENTLY bad ON t ((1));
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass AND indexrelid::regclass::text <> 'bad' ORDER BY 1::text;
