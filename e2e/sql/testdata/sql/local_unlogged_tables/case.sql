SET client_min_messages = error; CREATE UNLOGGED TABLE u (k int PRIMARY KEY, v text); CREATE TABLE t (k int);
INSERT INTO u SELECT k, 'v' FROM generate_series(1, 10) k; UPDATE u SET v = 'w' WHERE k < 5; BEGIN; INSERT INTO t SELECT count(*) FROM u; DELETE FROM u; COMMIT; TRUNCATE u; COPY u FROM stdin;
1	copied
\.
SELECT * FROM t; SELECT * FROM u;
