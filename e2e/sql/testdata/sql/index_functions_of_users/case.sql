CREATE TABLE codes (k int PRIMARY KEY, c text); INSERT INTO codes VALUES (1, 'one'), (2, 'two');
CREATE FUNCTION code(i int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT c FROM index_functions_of_users.codes WHERE k = i'; CREATE FUNCTION path(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN lower(t); END $$;
CREATE TABLE t (k int, v text); CREATE UNIQUE INDEX ON t (code(k), path(v)); INSERT INTO t VALUES (1, 'A'), (2, 'A'); INSERT INTO t VALUES (1, 'a'); UPDATE t SET v = 'B' WHERE code(k) = 'two'; CREATE TABLE checked (v text CHECK (path(v) <> 'bad')); INSERT INTO checked VALUES ('BAD'), ('good'); INSERT INTO checked VALUES ('good');
SELECT * FROM t ORDER BY k; SELECT * FROM checked;
