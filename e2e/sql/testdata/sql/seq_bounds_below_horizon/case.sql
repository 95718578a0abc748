CREATE SEQUENCE s; SELECT nextval('s'), nextval('s'); ALTER SEQUENCE s MAXVALUE 5; SELECT nextval('s');
BEGIN; SELECT nextval('s'); ALTER SEQUENCE s MAXVALUE 6 NO CYCLE; SELECT nextval('s'); COMMIT; SELECT nextval('s'); SELECT nextval('s');
CREATE SEQUENCE d INCREMENT -1 AS int; SELECT nextval('d'); ALTER SEQUENCE d MINVALUE -10; SELECT nextval('d'); ALTER SEQUENCE d MINVALUE -3 MAXVALUE -1; SELECT nextval('d');
CREATE SEQUENCE w AS int START 32760; SELECT nextval('w'); ALTER SEQUENCE w AS smallint; SELECT nextval('w');
CREATE TABLE t (k int GENERATED ALWAYS AS IDENTITY, v int); INSERT INTO t (v) VALUES (1); ALTER TABLE t ALTER k SET MAXVALUE 3; INSERT INTO t (v) VALUES (2), (3); INSERT INTO t (v) VALUES (4);
SELECT * FROM t ORDER BY v; SELECT sequencename, min_value, max_value FROM pg_sequences WHERE schemaname = 'seq_bounds_below_horizon' ORDER BY 1;
