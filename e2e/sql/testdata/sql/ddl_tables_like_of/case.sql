CREATE TABLE base (k int PRIMARY KEY, v text DEFAULT 'd' CHECK (v <> ''), g int GENERATED ALWAYS AS (k + 1) STORED, i int GENERATED ALWAYS AS IDENTITY);
COMMENT ON COLUMN base.v IS 'the value'; CREATE INDEX ON base (v); CREATE STATISTICS st ON k, v FROM base;
CREATE TABLE copy (LIKE base INCLUDING ALL EXCLUDING COMMENTS); CREATE TABLE bare (LIKE base, more int);
CREATE TYPE row_type AS (a int, b text); CREATE TABLE typed OF row_type (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'x');
INSERT INTO base (k) VALUES (1); INSERT INTO copy (k, v) VALUES (1, 'c'); INSERT INTO bare VALUES (1, NULL, 3, 4, 5); INSERT INTO typed (a) VALUES (1);
ALTER TABLE typed NOT OF; ALTER TABLE typed OF row_type;
SELECT * FROM base, copy, bare, typed;
