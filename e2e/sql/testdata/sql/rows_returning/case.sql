CREATE TABLE t (k serial PRIMARY KEY, v text);
INSERT INTO t (v) SELECT chr(64 + i) FROM generate_series(1, 4) i RETURNING k, lower(v);
UPDATE t SET v = v || k WHERE k > 2 RETURNING *;
DELETE FROM t WHERE k = 1 RETURNING v, (SELECT count(*) FROM t);
SELECT * FROM t ORDER BY k;
