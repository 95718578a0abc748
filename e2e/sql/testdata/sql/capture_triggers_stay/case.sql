CREATE TABLE t (k int PRIMARY KEY);
DO $$ DECLARE r record; BEGIN FOR r IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'capture_triggers_stay.t'::regclass AND tgname LIKE '%barista%' LOOP BEGIN EXECUTE format('DROP TRIGGER %I ON t', r.tgname); RAISE 'dropped'; EXCEPTION WHEN feature_not_supported OR dependent_objects_still_exist OR insufficient_privilege THEN NULL; END; BEGIN EXECUTE format('ALTER TABLE t DISABLE TRIGGER %I', r.tgname); RAISE 'disabled'; EXCEPTION WHEN feature_not_supported OR insufficient_privilege THEN NULL; END; END LOOP; END $$;
ALTER TABLE t DISABLE TRIGGER ALL; INSERT INTO t VALUES (1); ALTER TABLE t ENABLE TRIGGER ALL; INSERT INTO t VALUES (2);
SELECT * FROM t ORDER BY k;
