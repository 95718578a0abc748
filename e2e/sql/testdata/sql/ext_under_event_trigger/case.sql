CREATE TABLE log (n serial PRIMARY KEY, tag text, what text);
CREATE FUNCTION heard() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ext_under_event_trigger.log (tag, what) SELECT command_tag, object_identity FROM pg_event_trigger_ddl_commands() WHERE in_extension OR object_type = 'extension'; END $$; CREATE EVENT TRIGGER case_heard ON ddl_command_end EXECUTE FUNCTION heard();
CREATE EXTENSION old_snapshot; DROP EVENT TRIGGER case_heard; DROP EXTENSION old_snapshot;
SELECT tag, what FROM log ORDER BY n;
