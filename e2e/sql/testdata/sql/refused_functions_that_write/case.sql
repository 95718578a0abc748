CREATE TABLE log (v int); CREATE SEQUENCE s; CREATE FUNCTION w(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO refused_functions_that_write.log VALUES (i); RETURN i; END $$;
CREATE FUNCTION f(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN refused_functions_that_write.w(i); END $$; CREATE FUNCTION g(i int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT nextval(''refused_functions_that_write.s'') > 0';
CREATE TABLE free AS SELECT 1 AS k; INSERT INTO free SELECT f(2); SELECT g(1); SELECT count(*) FROM log;
CREATE TABLE t (k int, v int); CREATE INDEX ON t (f(v)); CREATE TABLE p (k int); CREATE INDEX ON p (k) WHERE g(k);
INSERT INTO t VALUES (1, 1); INSERT INTO p VALUES (1); SELECT f(3); SELECT count(*) FROM log; BEGIN; SAVEPOINT a; INSERT INTO t VALUES (1, 1); ROLLBACK TO a; INSERT INTO log VALUES (10); COMMIT;
DO $$ BEGIN INSERT INTO t VALUES (2, 2); EXCEPTION WHEN feature_not_supported THEN INSERT INTO log VALUES (11); END $$;
DROP INDEX t_f_idx; INSERT INTO t VALUES (3, 3); SELECT * FROM t; SELECT * FROM log ORDER BY v; CREATE INDEX ON t (f(v));
CREATE TABLE q (k int); CREATE FUNCTION c(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN i + 0 * currval('refused_functions_that_write.s'); END $$; CREATE INDEX ON q (c(k)); SELECT nextval('s') > 0; INSERT INTO q VALUES (1); SELECT count(*) FROM q;
CREATE FUNCTION o(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql SET role = 'none' AS $$ BEGIN RETURN i; END $$; CREATE TABLE r (k int); CREATE INDEX ON r (o(k)); INSERT INTO r VALUES (1); SELECT count(*) FROM r;
