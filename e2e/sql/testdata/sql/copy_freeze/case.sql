BEGIN; CREATE TABLE t (k int PRIMARY KEY, v text);
COPY t FROM stdin (FREEZE);
1	a
2	b
\.
COMMIT;
BEGIN; TRUNCATE t;
COPY t FROM stdin (FREEZE);
3	c
\.
UPDATE t SET v = 'd'; COMMIT;
COPY t FROM stdin (FREEZE);
4	no
\.
SELECT * FROM t ORDER BY k;
