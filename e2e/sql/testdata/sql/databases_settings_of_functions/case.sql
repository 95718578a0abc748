CREATE DATABASE hinder_functions; ALTER DATABASE hinder_functions SET exit_on_error = on; ALTER DATABASE hinder_functions SET max_stack_depth = '100kB'; ALTER DATABASE hinder_functions SET temp_tablespaces = 'pg_global'; ALTER DATABASE hinder_functions SET force_parallel_mode = on;
\connect hinder_functions
SET exit_on_error = off; SET max_stack_depth = '2MB'; SET plpgsql.check_asserts = off; SET timezone_abbreviations = 'Australia'; SET temp_tablespaces = '';
CREATE TABLE t (k int PRIMARY KEY, v int, at timestamptz DEFAULT '2020-01-01 12:00 ACSST');
CREATE FUNCTION caught(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / i; EXCEPTION WHEN division_by_zero THEN RETURN 0; END $$;
CREATE FUNCTION asserted(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN ASSERT i > 0, 'not positive'; RETURN i; END $$;
CREATE FUNCTION deep(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF i <= 0 THEN RETURN 0; END IF; RETURN deep(i - 1) + 1; END $$;
CREATE INDEX ON t (caught(v)); CREATE INDEX ON t (asserted(v)); CREATE INDEX ON t (deep(v));
INSERT INTO t VALUES (1, 0), (2, 100), (3, -1); SELECT * FROM t ORDER BY k; CREATE INDEX ON t (caught(v), asserted(v), deep(v)); SELECT deep(100);
