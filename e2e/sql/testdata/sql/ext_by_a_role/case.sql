CREATE ROLE eb_a; GRANT CREATE ON DATABASE postgres TO eb_a; GRANT ALL ON SCHEMA ext_by_a_role TO eb_a; SET ROLE eb_a;
CREATE EXTENSION pageinspect; CREATE EXTENSION seg SCHEMA ext_by_a_role; CREATE TABLE t (k int PRIMARY KEY, v seg); CREATE INDEX ON t USING gist (v); INSERT INTO t SELECT g, (g || '..' || g + 1)::seg FROM generate_series(1, 20) g; DELETE FROM t WHERE v && '5..6'; ALTER EXTENSION seg SET SCHEMA ext_by_a_role; COMMENT ON EXTENSION seg IS 'of a role';
BEGIN; DROP EXTENSION seg CASCADE; INSERT INTO t VALUES (30); ROLLBACK; SAVEPOINT none; BEGIN; SAVEPOINT a; CREATE EXTENSION tcn; ROLLBACK TO a; CREATE EXTENSION IF NOT EXISTS seg; INSERT INTO t VALUES (31, '7'); COMMIT;
RESET ROLE; SELECT extname, extowner::regrole, extversion FROM pg_extension WHERE extname IN ('seg', 'tcn', 'pageinspect'); SELECT count(*), min(k), max(k) FROM t; SELECT proowner::regrole, count(*) > 0 FROM pg_proc WHERE pronamespace = 'ext_by_a_role'::regnamespace GROUP BY 1;
REASSIGN OWNED BY eb_a TO postgres; SELECT extowner::regrole FROM pg_extension WHERE extname = 'seg'; DROP OWNED BY eb_a; DROP ROLE eb_a; DROP EXTENSION seg CASCADE; INSERT INTO t VALUES (32);
SELECT * FROM t ORDER BY k LIMIT 3;
