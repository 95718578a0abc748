CREATE TABLE src (k int PRIMARY KEY, big text); INSERT INTO src SELECT k, repeat('x', k * 3000) FROM generate_series(1, 3) k;
SELECT k, big INTO t FROM src WHERE k > 1;
DELETE FROM t WHERE k = 2;
SELECT k, length(big) FROM t;
