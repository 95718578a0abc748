CREATE TABLE calls (n int); INSERT INTO calls VALUES (0); CREATE TABLE t (k int, v text);
CREATE FUNCTION once() RETURNS int VOLATILE LANGUAGE plpgsql AS $$ BEGIN UPDATE calls SET n = n + 1; RETURN (SELECT n FROM calls); END $$;
CREATE FUNCTION liar(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN i + (random() * 0)::int; END $$;
INSERT INTO t SELECT once(), 'x' FROM generate_series(1, 4); INSERT INTO t VALUES (liar(9), once()::text); CREATE INDEX ON t (liar(k));
SELECT * FROM t ORDER BY k; SELECT * FROM calls;
