CREATE TABLE log (what text);
CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF to_regclass('refused_event_trigger_rows.log') IS NOT NULL AND current_schema() = 'refused_event_trigger_rows' THEN INSERT INTO refused_event_trigger_rows.log VALUES (tg_tag); END IF; END $$;
CREATE EVENT TRIGGER case_event ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION noted();
CREATE VIEW v AS SELECT 1;
ALTER EVENT TRIGGER case_event DISABLE; DROP EVENT TRIGGER case_event;
SELECT * FROM log;
