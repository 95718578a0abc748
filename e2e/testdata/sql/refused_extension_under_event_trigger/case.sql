CREATE FUNCTION quiet() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; CREATE EVENT TRIGGER case_quiet ON ddl_command_end WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION quiet();
CREATE EXTENSION old_snapshot; DROP EVENT TRIGGER case_quiet; DROP EXTENSION IF EXISTS old_snapshot;
SELECT count(*) FROM pg_extension WHERE extname = 'old_snapshot';
