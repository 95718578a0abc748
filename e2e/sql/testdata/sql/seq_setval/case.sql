CREATE SEQUENCE s MAXVALUE 200; SELECT setval('s', 100), nextval('s'); SELECT setval('s', 50, false), nextval('s'); SELECT setval('s', 201);
BEGIN; SELECT setval('s', 150); ROLLBACK; SELECT nextval('s');
CREATE TABLE t (k serial, v text); INSERT INTO t VALUES (41, 'by hand'); SELECT setval(pg_get_serial_sequence('t', 'k'), max(k)) FROM t; INSERT INTO t (v) VALUES ('next');
SELECT * FROM t ORDER BY k;
