CREATE TABLE t (k int PRIMARY KEY, v text);
PREPARE ins (int, text) AS INSERT INTO t VALUES ($1, $2) RETURNING k;
EXECUTE ins (1, 'a'); EXECUTE ins (2, 'b'); EXECUTE ins (1, 'again');
ALTER TABLE t ADD COLUMN w int DEFAULT 9;
EXECUTE ins (3, 'c');
PREPARE up AS UPDATE t SET w = w + k; EXECUTE up; DEALLOCATE up;
SELECT * FROM t ORDER BY k;
