CREATE TABLE t (k int PRIMARY KEY, v varchar(5), n numeric(5,2), b varbit(4)); INSERT INTO t VALUES (1, 'abcde', 1.23, B'1');
ALTER TABLE t ALTER v TYPE varchar(10), ALTER n TYPE numeric(10,2), ALTER b TYPE varbit(9);
ALTER TABLE t ALTER v TYPE text;
UPDATE t SET v = v || 'fghij-k', n = 12345678.90;
SELECT * FROM t;
