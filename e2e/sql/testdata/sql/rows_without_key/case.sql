CREATE TABLE k (a int, b text, c json, p point);
INSERT INTO k VALUES (1, 'x', '{}', '(1,1)'), (1, 'x', '{}', '(1,1)'), (1, 'x', '{ }', '(1,1)'), (NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL);
DELETE FROM k WHERE ctid = (SELECT min(ctid) FROM k WHERE a = 1);
UPDATE k SET b = 'y' WHERE ctid = (SELECT max(ctid) FROM k WHERE a IS NULL);
SELECT * FROM k ORDER BY a, b, c::text;
CREATE TABLE num (n numeric);
INSERT INTO num VALUES (1.0), (1.00), (1.000);
DELETE FROM num WHERE n::text = '1.00';
SELECT * FROM num ORDER BY n::text;
