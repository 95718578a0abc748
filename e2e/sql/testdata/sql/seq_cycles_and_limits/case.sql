CREATE SEQUENCE up MAXVALUE 3; SELECT nextval('up'), nextval('up'), nextval('up'); SELECT nextval('up');
CREATE SEQUENCE round MINVALUE -1 MAXVALUE 1 START 0 CYCLE; SELECT nextval('round'), nextval('round'), nextval('round'), nextval('round');
CREATE SEQUENCE down INCREMENT -2 MAXVALUE 5 MINVALUE 0; SELECT nextval('down'), nextval('down'), nextval('down'); SELECT nextval('down');
CREATE SEQUENCE big START 9223372036854775806; SELECT nextval('big'), nextval('big'); SELECT nextval('big');
