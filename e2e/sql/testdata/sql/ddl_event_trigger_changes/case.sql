CREATE ROLE case_keeper; CREATE ROLE case_reader; GRANT ALL ON SCHEMA ddl_event_trigger_changes TO case_keeper;
CREATE FUNCTION given() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE o record; BEGIN IF current_schema() <> 'ddl_event_trigger_changes' THEN RETURN; END IF; FOR o IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' LOOP EXECUTE format('ALTER TABLE %s OWNER TO case_keeper', o.object_identity); EXECUTE format('GRANT SELECT ON %s TO case_reader', o.object_identity); EXECUTE format('INSERT INTO %s VALUES (0)', o.object_identity); END LOOP; END $$;
CREATE EVENT TRIGGER case_given ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') EXECUTE FUNCTION given();
CREATE TABLE t (k int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE u AS SELECT 1 AS k; SELECT 2 AS k INTO w;
BEGIN; CREATE TABLE rolled_back (k int); ROLLBACK;
DROP EVENT TRIGGER case_given;
SELECT relname, pg_get_userbyid(relowner), relacl FROM pg_class WHERE relnamespace = 'ddl_event_trigger_changes'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1; SELECT * FROM t ORDER BY 1; SELECT * FROM u ORDER BY 1; SELECT * FROM w ORDER BY 1;
