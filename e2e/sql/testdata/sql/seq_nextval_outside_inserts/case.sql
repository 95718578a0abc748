CREATE SEQUENCE s; CREATE SEQUENCE cached CACHE 10; CREATE TABLE t (k int);
SELECT nextval('s'), nextval('s'), currval('s'), lastval(); SELECT nextval('cached'), nextval('cached');
BEGIN; SELECT nextval('s'); ROLLBACK; SELECT nextval('s');
BEGIN; SAVEPOINT a; SELECT nextval('s'); ROLLBACK TO a; INSERT INTO t SELECT nextval('s'); COMMIT;
SELECT * FROM t; SELECT last_value, is_called FROM s;
