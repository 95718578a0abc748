CREATE TYPE colour AS ENUM ('red', 'green'); CREATE FUNCTION colour_of(int) RETURNS colour IMMUTABLE LANGUAGE sql AS $$ SELECT CASE WHEN $1 = 1 THEN 'red' ELSE 'green' END::colour $$;
CREATE CAST (int AS colour) WITH FUNCTION colour_of(int) AS ASSIGNMENT; CREATE CAST (colour AS bigint) WITH INOUT;
CREATE TABLE t (c colour); INSERT INTO t VALUES (1), (2), ('red');
COMMENT ON CAST (int AS colour) IS 'by number'; DROP CAST (colour AS bigint);
INSERT INTO t SELECT 2::colour;
SELECT c, count(*) FROM t GROUP BY c ORDER BY c; DROP CAST (int AS colour);
