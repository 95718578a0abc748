CREATE TABLE named (a int);
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN $1;
CREATE TABLE t (k int PRIMARY KEY, c regclass, p regprocedure, y regtype, n regnamespace, r regrole, o regoperator, l regcollation);
INSERT INTO t VALUES (1, 'named', 'f(int)', 'named', 'types_reg', 'postgres', '+(int,int)', '"C"');
ALTER TABLE named RENAME TO renamed;
UPDATE t SET k = 2;
SELECT * FROM t;
