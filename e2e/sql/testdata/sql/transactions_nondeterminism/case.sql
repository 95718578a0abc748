CREATE TABLE r (id serial PRIMARY KEY, t timestamptz DEFAULT clock_timestamp(), n timestamptz DEFAULT now(), f float DEFAULT random(), u uuid DEFAULT gen_random_uuid());
INSERT INTO r SELECT FROM generate_series(1, 50);
UPDATE r SET f = random() WHERE id IN (SELECT id FROM r ORDER BY random() LIMIT 10);
DELETE FROM r WHERE ctid = ANY (ARRAY(SELECT ctid FROM r LIMIT 7));
SELECT count(*), count(DISTINCT u), count(DISTINCT n) FROM r;
