CREATE FUNCTION acc(s int, v int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT s * 10 + v';
CREATE AGGREGATE digits(int) (SFUNC = acc, STYPE = int, INITCOND = '0'); CREATE OR REPLACE AGGREGATE digits(int) (SFUNC = acc, STYPE = int, INITCOND = '7');
CREATE AGGREGATE nth(float8 ORDER BY float8) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE TABLE t AS SELECT 1 AS none WITH NO DATA; CREATE TABLE u (k int); INSERT INTO u SELECT digits(i ORDER BY i) FROM generate_series(1, 3) i;
ALTER AGGREGATE digits(int) RENAME TO join_digits; COMMENT ON AGGREGATE join_digits(int) IS 'joined';
SELECT * FROM u; SELECT join_digits(k) FROM u;
