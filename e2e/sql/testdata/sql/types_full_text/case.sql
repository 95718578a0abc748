CREATE TABLE t (k int PRIMARY KEY, body text, v tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED, q tsquery);
CREATE INDEX ON t USING gin (v);
INSERT INTO t VALUES (1, 'The quick brown foxes', DEFAULT, 'fox & !dog'), (2, 'lazy dogs', DEFAULT, 'dog <-> cat');
UPDATE t SET body = body || ' jumped' WHERE v @@ 'fox';
SELECT * FROM t ORDER BY k; SELECT k FROM t WHERE v @@ to_tsquery('english', 'jumping');
