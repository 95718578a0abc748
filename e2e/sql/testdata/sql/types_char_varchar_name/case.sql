CREATE TABLE t (k int PRIMARY KEY, c char(5), v varchar(5), n name, b bpchar);
INSERT INTO t VALUES (1, 'ab', 'ab   ', repeat('n', 70), 'x  '), (2, 'ünïcö', 'çédil', 'n', '');
INSERT INTO t VALUES (3, 'toolong', '', '', '');
UPDATE t SET v = v || '!' WHERE k = 2;
SELECT k, c || '|', v || '|', length(n), octet_length(b) FROM t ORDER BY k;
