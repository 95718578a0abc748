CREATE TABLE t (k int PRIMARY KEY, v text); BEGIN; INSERT INTO t VALUES (1, 'a'); ALTER TABLE t RENAME TO tt; INSERT INTO tt VALUES (2, 'b'); ALTER TABLE tt SET SCHEMA public; UPDATE public.tt SET v = v || '!'; ALTER TABLE public.tt SET SCHEMA locks_ddl_against_rows; COMMIT; SET lock_timeout = '5s'; ALTER TABLE tt ADD w int; RESET lock_timeout;
SELECT * FROM tt ORDER BY k;
