CREATE ROLE ow_a; CREATE ROLE ow_b; GRANT ALL ON SCHEMA roles_owners TO ow_a, ow_b; CREATE TABLE t (k serial PRIMARY KEY); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS TABLE t;
ALTER TABLE t OWNER TO ow_a; ALTER FUNCTION f() OWNER TO ow_a; ALTER VIEW v OWNER TO ow_b;
SET ROLE ow_a; INSERT INTO t DEFAULT VALUES; ALTER TABLE t ADD COLUMN v int DEFAULT 2; CREATE TABLE mine AS SELECT 1 AS a WITH NO DATA; CREATE TABLE also (k int); RESET ROLE;
REASSIGN OWNED BY ow_b TO ow_a; DROP OWNED BY ow_b; DROP ROLE ow_b; DROP ROLE ow_a;
CREATE ROLE ow_c; SET ROLE ow_c; CREATE SCHEMA ow_no; RESET ROLE; CREATE SCHEMA AUTHORIZATION ow_c; SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'ow_c';
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'roles_owners'::regnamespace AND relkind IN ('r', 'v', 'S') AND relname <> 'mine' ORDER BY 1;
