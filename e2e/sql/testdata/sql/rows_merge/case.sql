CREATE TABLE target (k int PRIMARY KEY, v int, note text);
INSERT INTO target SELECT k, k * 10 FROM generate_series(1, 5) k;
CREATE TABLE source (k int, v int); INSERT INTO source VALUES (1, 1), (2, NULL), (6, 6), (7, -7);
MERGE INTO target t USING source s ON t.k = s.k WHEN MATCHED AND s.v IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v, note = 'merged' WHEN NOT MATCHED AND s.v > 0 THEN INSERT VALUES (s.k, s.v, 'new') WHEN NOT MATCHED THEN DO NOTHING;
INSERT INTO source VALUES (1, 2);
MERGE INTO target t USING source s ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v;
SELECT * FROM target ORDER BY k;
