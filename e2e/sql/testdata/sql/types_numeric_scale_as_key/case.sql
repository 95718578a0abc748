CREATE TABLE t (n numeric, note text);
INSERT INTO t VALUES (1.0, 'a'), (1.00, 'b'), (1, 'c');
UPDATE t SET note = note || n::text WHERE n = 1;
DELETE FROM t WHERE n::text = '1.0';
SELECT * FROM t ORDER BY note;
