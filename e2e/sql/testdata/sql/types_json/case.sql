CREATE TABLE t (k int PRIMARY KEY, j json, b jsonb, p jsonpath);
INSERT INTO t VALUES (1, '{"a": 1,  "a" : 2}', '{"a": 1, "a": 2.50}', '$.a[*] ? (@ > 1)'), (2, 'null', '"\u00e9"', 'strict $'), (3, NULL, '[1, [2, {"x": null}]]', '$');
UPDATE t SET b = jsonb_set(b, '{1,1,x}', '{"deep": true}') WHERE k = 3;
UPDATE t SET b['new'] = '7' WHERE k = 1;
INSERT INTO t (k, b) VALUES (4, '{');
SELECT * FROM t ORDER BY k;
