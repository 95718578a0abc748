CREATE TABLE t (k int); INSERT INTO t VALUES (1); CREATE TYPE pair AS (a int, b int); CREATE TABLE typed OF pair; CREATE TABLE holder (p pair);
CREATE FUNCTION middle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF current_schema() = 'refused_event_trigger_in_the_middle' THEN CREATE TABLE refused_event_trigger_in_the_middle.made (k int); END IF; END $$;
CREATE EVENT TRIGGER case_middle ON table_rewrite EXECUTE FUNCTION middle();
ALTER TABLE t ALTER k TYPE bigint;
DROP EVENT TRIGGER case_middle;
SELECT pg_typeof(k) FROM t; SELECT to_regclass('made');
