CREATE TABLE t (j json);
INSERT INTO t VALUES ('{"a":1}'), ('{"a": 1}'), ('{"a":1}');
DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t);
UPDATE t SET j = '[]' WHERE j::text = '{"a": 1}';
SELECT j FROM t ORDER BY j::text;
