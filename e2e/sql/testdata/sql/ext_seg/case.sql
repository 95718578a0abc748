CREATE EXTENSION seg; CREATE TABLE t (s seg, v int, EXCLUDE USING gist (s WITH &&)); INSERT INTO t VALUES ('1.0 .. 2', 1), ('~5', 2), ('7 .. ', 3); INSERT INTO t VALUES ('1.5', 4);
UPDATE t SET v = v + 1 WHERE s @> '1.2'; DELETE FROM t WHERE s = '~5';
SELECT * FROM t ORDER BY v;
