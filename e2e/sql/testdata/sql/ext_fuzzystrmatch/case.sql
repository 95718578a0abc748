CREATE EXTENSION fuzzystrmatch; CREATE TABLE t (v text, s text GENERATED ALWAYS AS (soundex(v)) STORED, d int); CREATE INDEX ON t (metaphone(v, 4));
INSERT INTO t (v) VALUES ('Robert'), ('Rupert'); UPDATE t SET d = levenshtein(v, 'Robert');
SELECT * FROM t ORDER BY v;
