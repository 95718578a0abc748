CREATE FUNCTION perhaps(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN random() < 2 AND $1 > 0; END $$;
CREATE DOMAIN d AS int; CREATE TABLE u (k d); INSERT INTO u VALUES (5); ALTER DOMAIN d ADD CONSTRAINT c CHECK (ddl_domain_check_volatile.perhaps(VALUE)); ALTER DOMAIN d ADD CONSTRAINT later CHECK (VALUE > random()) NOT VALID; ALTER DOMAIN d VALIDATE CONSTRAINT later;
INSERT INTO u VALUES (-1); INSERT INTO u VALUES (7); ALTER DOMAIN d ADD CHECK (VALUE < 6 + 0 * random());
SELECT conname, convalidated FROM pg_constraint WHERE contypid = 'd'::regtype ORDER BY 1; SELECT * FROM u ORDER BY 1;
