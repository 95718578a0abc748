CREATE SEQUENCE s; SELECT nextval('s'), nextval('s');
BEGIN; ALTER SEQUENCE s RESTART WITH 50; SELECT nextval('s'); ROLLBACK; SELECT nextval('s');
BEGIN; ALTER SEQUENCE s RESTART WITH 50; SELECT nextval('s'); COMMIT; SELECT nextval('s');
BEGIN; CREATE SEQUENCE u START 7; SELECT nextval('u'); COMMIT; SELECT nextval('u');
BEGIN; CREATE SEQUENCE gone; SELECT nextval('gone'); ROLLBACK; SELECT nextval('gone');
