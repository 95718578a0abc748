CREATE TABLE t (k int PRIMARY KEY, during int4range, c circle, EXCLUDE USING gist (during WITH &&) DEFERRABLE, EXCLUDE USING gist (c WITH &&) WHERE (k < 100));
INSERT INTO t VALUES (1, '[1,5)', '<(0,0),1>'), (2, '[5,9)', '<(9,9),1>');
INSERT INTO t VALUES (3, '[4,6)', NULL);
BEGIN; SET CONSTRAINTS ALL DEFERRED; UPDATE t SET during = '[5,9)' WHERE k = 1; UPDATE t SET during = '[1,5)' WHERE k = 2; COMMIT;
INSERT INTO t VALUES (200, 'empty', '<(0,0),1>');
INSERT INTO t VALUES (4, 'empty', '<(0,0),1>');
SELECT k, during FROM t ORDER BY k;
