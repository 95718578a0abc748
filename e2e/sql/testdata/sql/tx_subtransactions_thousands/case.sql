CREATE TABLE t (k int PRIMARY KEY, v int);
DO $$ BEGIN FOR i IN 1..3000 LOOP BEGIN INSERT INTO t VALUES (i % 2000, i); EXCEPTION WHEN unique_violation THEN UPDATE t SET v = -i WHERE k = i % 2000; END; END LOOP; END $$;
CREATE FUNCTION deep(n int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (-n, n); IF n < 200 THEN PERFORM deep(n + 1); ELSE RAISE division_by_zero; END IF; EXCEPTION WHEN division_by_zero THEN IF n > 100 THEN RAISE; END IF; INSERT INTO t VALUES (-n, 0); END $$;
SELECT deep(1);
SELECT count(*), sum(v), min(k) FROM t;
