CREATE TYPE amount AS (v int);
CREATE FUNCTION amount_add(amount, amount) RETURNS amount IMMUTABLE LANGUAGE sql AS 'SELECT ROW($1.v + $2.v)::amount';
CREATE FUNCTION amount_lt(amount, amount) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1.v < $2.v'; CREATE FUNCTION amount_gt(amount, amount) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1.v > $2.v';
CREATE OPERATOR + (LEFTARG = amount, RIGHTARG = amount, FUNCTION = amount_add, COMMUTATOR = +);
CREATE OPERATOR <| (LEFTARG = amount, RIGHTARG = amount, FUNCTION = amount_lt); CREATE OPERATOR |> (LEFTARG = amount, RIGHTARG = amount, FUNCTION = amount_gt, COMMUTATOR = <|);
CREATE OPERATOR !! (RIGHTARG = amount, FUNCTION = amount_none); ALTER OPERATOR <| (amount, amount) SET (RESTRICT = scalarltsel); DROP OPERATOR |> (amount, amount);
CREATE TABLE t (k int, a amount); INSERT INTO t VALUES (1, ROW(1)::amount + ROW(2)::amount); UPDATE t SET a = a + a;
SELECT * FROM t; SELECT oprname, oprrest FROM pg_operator WHERE oprnamespace = 'ddl_operators'::regnamespace ORDER BY 1;
