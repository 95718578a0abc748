CREATE TABLE t (k int PRIMARY KEY); CLUSTER t USING t_pkey;
SELECT indisclustered FROM pg_index WHERE indrelid = 't'::regclass;
