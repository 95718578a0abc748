CREATE TABLE t (k int PRIMARY KEY, v text);
CREATE FUNCTION try(k int, v text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (k, v); IF k < 0 THEN RAISE EXCEPTION 'negative' USING ERRCODE = 'BR001'; END IF; RETURN 'in'; EXCEPTION WHEN unique_violation THEN UPDATE t SET v = try.v WHERE t.k = try.k; RETURN 'up'; WHEN SQLSTATE 'BR001' THEN RETURN 'no'; END $$;
SELECT k, try(k, 'v' || i) FROM (VALUES (1, 1), (2, 2), (1, 3), (-1, 4)) x (k, i) ORDER BY i;
SELECT * FROM t ORDER BY k;
