CREATE EXTENSION citext; CREATE TABLE t (v citext PRIMARY KEY, n int); INSERT INTO t VALUES ('Abc', 1), ('def', 2); INSERT INTO t VALUES ('ABC', 3);
UPDATE t SET n = 5 WHERE v = 'aBC'; UPDATE t SET v = 'DEF' WHERE v = 'def'; DELETE FROM t WHERE v = 'Def' AND n = 0;
SELECT * FROM t ORDER BY v;
