CREATE TABLE s (id int PRIMARY KEY, t text, v varchar(5), c char(4), b bytea, n name, q "char");
INSERT INTO s VALUES (1, 'crème brûlée', 'abc', 'ab', '\x00ff10', 'pg_name', 'x'), (2, '', '', '', '', '', ''), (3, E'line\nline\ttab\\', 'ünï', NULL, NULL, NULL, NULL);
INSERT INTO s VALUES (4, 'too long', 'abcdef');
UPDATE s SET t = t || '!' WHERE id < 3;
SELECT id, t, v, c || '|', b, n, q FROM s ORDER BY id;
