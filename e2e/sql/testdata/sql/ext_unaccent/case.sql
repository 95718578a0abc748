CREATE EXTENSION unaccent; CREATE TABLE t (v text, p text); INSERT INTO t SELECT x, unaccent(x) FROM (VALUES ('Hôtel'), ('Ærø')) y (x);
CREATE TEXT SEARCH CONFIGURATION fr (COPY = french); ALTER TEXT SEARCH CONFIGURATION fr ALTER MAPPING FOR hword, hword_part, word WITH unaccent, french_stem; INSERT INTO t VALUES ('ts', to_tsvector('ext_unaccent.fr', 'Hôtels')::text);
SELECT * FROM t ORDER BY v COLLATE "C";
