CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE made AS SELECT i FROM generate_series(1, 3) i; END $$;
SELECT make();
SELECT count(*) FROM made;
