CREATE TABLE t (k int); LISTEN other; BEGIN; INSERT INTO t VALUES (1); NOTIFY x, 'y'; COMMIT; UNLISTEN *; SELECT pg_notify('x', 'z') IS NULL;
SET work_mem = '5MB'; SHOW work_mem; RESET ALL; SET LOCAL work_mem = '6MB'; SELECT set_config('my.own', 'v', false); SHOW my.own; DISCARD ALL; SELECT set_config('search_path', 'local_notify_and_settings', false);
SELECT * FROM t;
