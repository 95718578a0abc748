CREATE FUNCTION plus(a int, b int DEFAULT 10) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION twice(INOUT x anyelement) LANGUAGE sql AS $$ SELECT x $$; CREATE FUNCTION many(VARIADIC v int[]) RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT unnest(v); END;
CREATE FUNCTION tab(n int) RETURNS TABLE (i int, s text) LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT g, 's' || g FROM generate_series(1, n) g; END $$;
CREATE OR REPLACE FUNCTION plus(a int, b int DEFAULT 20) RETURNS int IMMUTABLE STRICT PARALLEL SAFE COST 5 LANGUAGE sql AS 'SELECT a + b';
ALTER FUNCTION plus(int, int) RENAME TO add; ALTER FUNCTION add(int, int) SET work_mem = '8MB'; ALTER FUNCTION many(int[]) ROWS 5;
CREATE TABLE t (k int DEFAULT add(1)); INSERT INTO t DEFAULT VALUES; INSERT INTO t SELECT many(5, 6); INSERT INTO t SELECT i FROM tab(2);
DROP FUNCTION twice; DROP FUNCTION add(int, int);
SELECT * FROM t ORDER BY k; SELECT proname, proconfig, prorows FROM pg_proc WHERE pronamespace = 'ddl_functions'::regnamespace ORDER BY 1;
