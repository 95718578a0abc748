CREATE TEMP TABLE scratch (k int, v text); CREATE TABLE kept (k int); CREATE TABLE other (k int);
CREATE FUNCTION f() RETURNS SETOF scratch LANGUAGE sql AS 'SELECT * FROM scratch';
DROP TABLE scratch, other;
CREATE VIEW v AS SELECT * FROM scratch;
INSERT INTO kept VALUES (1); SELECT * FROM kept;
