CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public;
CREATE SERVER case_pg FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'HOST', port :'PORT', dbname :'DBNAME'); CREATE USER MAPPING FOR PUBLIC SERVER case_pg OPTIONS (user 'postgres');
CREATE TABLE there (k int PRIMARY KEY, v text); CREATE TABLE here (k int, v text);
CREATE FOREIGN TABLE away (k int, v text) SERVER case_pg OPTIONS (schema_name 'foreign_postgres', table_name 'there');
INSERT INTO away VALUES (1, 'one'), (2, 'two'), (3, 'three'); UPDATE away SET v = v || '!' WHERE k < 3 RETURNING *; DELETE FROM away WHERE k = 3; SELECT * FROM away ORDER BY k;
INSERT INTO away VALUES (1, 'again'); INSERT INTO away VALUES (1, 'again') ON CONFLICT DO NOTHING;
BEGIN; INSERT INTO here VALUES (1, 'in both'); INSERT INTO away VALUES (4, 'in both'); COMMIT;
BEGIN; INSERT INTO here VALUES (2, 'in neither'); INSERT INTO away VALUES (5, 'in neither'); ROLLBACK;
BEGIN; SAVEPOINT a; INSERT INTO away VALUES (6, 'rolled back'); ROLLBACK TO a; INSERT INTO away VALUES (7, 'kept'); COMMIT;
CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO here VALUES (NEW.k, 'also ' || NEW.v); RETURN NEW; END$$;
CREATE TRIGGER also AFTER INSERT ON away FOR EACH ROW EXECUTE FUNCTION also(); INSERT INTO away VALUES (8, 'eight');
\copy away from stdin
9	nine
\.
SELECT count(*) FROM away; SELECT count(*) FROM postgres_fdw_get_connections();
ALTER SERVER case_pg OPTIONS (ADD fetch_size '50', ADD truncatable 'true'); ALTER SERVER case_pg OPTIONS (ADD no_such_option '1'); CREATE USER MAPPING FOR postgres SERVER case_pg OPTIONS (host 'x');
CREATE TABLE emptied (k int); INSERT INTO emptied VALUES (1); CREATE FOREIGN TABLE away2 (k int) SERVER case_pg OPTIONS (schema_name 'foreign_postgres', table_name 'emptied'); TRUNCATE away2; SELECT * FROM emptied;
SET application_name = 'a reader'; SELECT * FROM away a JOIN here h USING (k) ORDER BY k FOR UPDATE OF a;
