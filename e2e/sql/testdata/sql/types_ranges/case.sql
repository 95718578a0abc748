CREATE TABLE t (k int PRIMARY KEY, i int4range, n numrange, d daterange, m int8multirange, z tstzmultirange);
SET TimeZone = 'UTC';
INSERT INTO t VALUES (1, '[1,5]', '(,1.50]', '[2024-01-01,infinity)', '{[1,3),[2,9),(20,30]}', '{}'), (2, 'empty', '(,)', NULL, '{}', '{[2024-01-01,2024-01-02)}');
UPDATE t SET m = m - '{[4,6)}'::int8multirange, i = i * '[2,9)';
SELECT * FROM t ORDER BY k;
