CREATE ROLE rbo; COMMENT ON ROLE barista IS 'of the cluster'; ALTER DEFAULT PRIVILEGES FOR ROLE barista IN SCHEMA ddl_owned_by_barista GRANT SELECT ON TABLES TO rbo;
CREATE FUNCTION f(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN -i; END';
SET ROLE barista; CREATE TABLE of_set_role (k int PRIMARY KEY, v int); CREATE INDEX ON of_set_role (f(v)); INSERT INTO of_set_role VALUES (1, 1); RESET ROLE;
SET SESSION AUTHORIZATION barista; INSERT INTO of_set_role VALUES (2, 2); CREATE TABLE of_session (k serial, d text DEFAULT current_user); INSERT INTO of_session DEFAULT VALUES; RESET SESSION AUTHORIZATION;
CREATE TABLE given (k int); ALTER TABLE given OWNER TO barista; INSERT INTO given VALUES (1); GRANT SELECT ON given TO barista; REVOKE ALL ON given FROM barista; CREATE SCHEMA of_barista AUTHORIZATION barista; CREATE TABLE of_barista.t (k int); INSERT INTO of_barista.t VALUES (1); CREATE DATABASE of_barista OWNER barista; REVOKE CONNECT ON DATABASE of_barista FROM PUBLIC;
REASSIGN OWNED BY rbo TO barista; INSERT INTO given VALUES (2); UPDATE of_set_role SET v = v + 1; DROP DATABASE of_barista;
SELECT tablename, tableowner FROM pg_tables WHERE schemaname IN ('ddl_owned_by_barista', 'of_barista') ORDER BY 1;
SELECT * FROM of_set_role ORDER BY 1; SELECT * FROM of_session; SELECT * FROM given ORDER BY 1;
ALTER TABLE of_set_role OWNER TO rbo; ALTER TABLE of_session OWNER TO rbo; ALTER TABLE given OWNER TO rbo; ALTER SCHEMA of_barista OWNER TO rbo; ALTER DEFAULT PRIVILEGES FOR ROLE barista IN SCHEMA ddl_owned_by_barista REVOKE SELECT ON TABLES FROM rbo;
