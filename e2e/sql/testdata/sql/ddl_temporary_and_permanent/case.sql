CREATE TEMP TABLE scratch (k int, v varchar(7)); CREATE TABLE kept (k int); CREATE TABLE other (k int); INSERT INTO kept VALUES (1); INSERT INTO scratch VALUES (1);
TRUNCATE scratch, kept; INSERT INTO kept VALUES (2);
CREATE FUNCTION f(a scratch.k%TYPE) RETURNS scratch.v%TYPE LANGUAGE sql AS $$ SELECT a::text $$;
DROP TABLE scratch, other; CREATE SEQUENCE q; CREATE TEMP SEQUENCE scratch_q; CREATE VIEW w AS SELECT 1 AS one; CREATE TEMP VIEW scratch_w AS SELECT 1 AS one; DROP VIEW IF EXISTS nosuch, scratch_w, w CASCADE; DROP SEQUENCE q, scratch_q;
CREATE FUNCTION pg_temp.g() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMENT ON FUNCTION pg_temp.g() IS 'here'; GRANT EXECUTE ON FUNCTION pg_temp.g() TO PUBLIC; CREATE TYPE pg_temp.ty AS (k int); COMMENT ON TYPE pg_temp.ty IS 'here'; GRANT USAGE ON TYPE pg_temp.ty TO PUBLIC; DROP FUNCTION pg_temp.g(); DROP TYPE pg_temp.ty;
SELECT * FROM kept; SELECT f(3); SELECT to_regclass('other'), to_regclass('w'), to_regclass('q');
