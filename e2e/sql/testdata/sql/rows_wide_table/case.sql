SELECT format('CREATE TABLE t (%s, PRIMARY KEY (c1))', string_agg('c' || i || CASE i % 3 WHEN 0 THEN ' text' WHEN 1 THEN ' int' ELSE ' numeric' END, ', ' ORDER BY i)) FROM generate_series(1, 600) i \gexec
INSERT INTO t (c1, c2, c300, c600) VALUES (1, 2.5, 'middle', 'end'), (2, NULL, NULL, 'end');
UPDATE t SET c599 = 7.70, c300 = 'set' WHERE c1 = 2;
SELECT c1, c2, c300, c599, c600 FROM t ORDER BY c1;
