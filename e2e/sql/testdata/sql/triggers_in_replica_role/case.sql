CREATE TABLE p (k int PRIMARY KEY); CREATE TABLE t (k int REFERENCES p, v text);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := upper(NEW.v); RETURN NEW; END $$;
CREATE TRIGGER b BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION shout();
SET session_replication_role = replica;
INSERT INTO t VALUES (99, 'captured all the same');
UPDATE t SET v = v || '!';
RESET session_replication_role;
INSERT INTO t VALUES (98, 'no parent');
SELECT * FROM t;
