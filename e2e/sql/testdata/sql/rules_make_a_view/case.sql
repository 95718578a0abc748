CREATE TABLE base (k int PRIMARY KEY, v text); INSERT INTO base VALUES (1, 'a'); CREATE TABLE shown (k int, v text);
CREATE RULE "_RETURN" AS ON SELECT TO shown DO INSTEAD SELECT k, v FROM base; CREATE RULE "_RETURN" AS ON SELECT TO base DO INSTEAD SELECT 1 AS k, 'a'::text AS v;
CREATE RULE put AS ON INSERT TO shown DO INSTEAD INSERT INTO base VALUES (NEW.k, NEW.v); INSERT INTO shown VALUES (2, 'b');
SELECT relname, relkind, relhastriggers FROM pg_class WHERE relname = 'shown' AND relnamespace = 'rules_make_a_view'::regnamespace; SELECT * FROM shown ORDER BY 1; INSERT INTO base VALUES (3, 'c'); DROP VIEW shown;
SELECT * FROM base ORDER BY 1;
