CREATE TABLE person (name text, born date);
CREATE TABLE t (k int PRIMARY KEY, who person, them person[]);
INSERT INTO t VALUES (1, ('Ann', '1990-01-01'), ARRAY[('Bob', NULL)::person]);
UPDATE t SET who.name = 'Anna' RETURNING (who).name;
DELETE FROM t WHERE (who).born > '2000-01-01';
SELECT * FROM t;
