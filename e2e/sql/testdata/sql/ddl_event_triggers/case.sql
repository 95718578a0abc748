CREATE FUNCTION guard() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF current_schema() = 'ddl_event_triggers' AND EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE object_name = 'precious') THEN RAISE EXCEPTION USING ERRCODE = 'BR002'; END IF; END $$;
CREATE EVENT TRIGGER case_guard ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION guard();
CREATE TABLE precious (k int); CREATE TABLE cheap (k int); INSERT INTO precious VALUES (1);
DROP TABLE precious; DROP TABLE cheap;
ALTER EVENT TRIGGER case_guard RENAME TO case_watch; ALTER EVENT TRIGGER case_watch DISABLE; COMMENT ON EVENT TRIGGER case_watch IS 'off'; DROP EVENT TRIGGER case_watch;
SELECT * FROM precious; SELECT to_regclass('cheap');
