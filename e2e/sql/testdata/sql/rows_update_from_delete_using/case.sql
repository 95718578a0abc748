CREATE TABLE a (k int PRIMARY KEY, v int); CREATE TABLE b (k int, d int);
INSERT INTO a SELECT k, 0 FROM generate_series(1, 6) k; INSERT INTO b VALUES (1, 5), (2, 6), (4, 7);
UPDATE a SET v = d FROM b WHERE a.k = b.k;
UPDATE a SET (k, v) = (SELECT a.k + 100, max(d) FROM b) WHERE v = 0 AND k > 5;
DELETE FROM a USING b WHERE a.k = b.k AND d > 6;
SELECT * FROM a ORDER BY k;
