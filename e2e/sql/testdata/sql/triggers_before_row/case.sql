CREATE TABLE t (k int PRIMARY KEY, v text, changed int DEFAULT 0);
CREATE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.v = 'skip' THEN RETURN NULL; END IF; NEW.changed := coalesce(OLD.changed, 0) + 1; NEW.v := upper(NEW.v); RETURN NEW; END $$;
CREATE TRIGGER b BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION before();
INSERT INTO t VALUES (1, 'a'), (2, 'skip'), (3, 'c');
UPDATE t SET v = CASE k WHEN 1 THEN 'skip' ELSE 'd' END;
SELECT * FROM t ORDER BY k;
