CREATE TABLE t (k int); UPDATE pg_class SET relname = 'u' WHERE relname = 'none'; DELETE FROM pg_class WHERE relname = 'none_at_all'; INSERT INTO pg_description VALUES (1, 1, 0, 'x');
SET allow_system_table_mods = on; UPDATE pg_class SET reloptions = NULL WHERE oid = 't'::regclass; DELETE FROM pg_description WHERE objoid = 1 AND classoid = 1; COPY pg_description FROM '/dev/null'; TRUNCATE pg_shdescription; CREATE TABLE pg_catalog.case_table (k int); DROP TABLE IF EXISTS pg_catalog.case_table;
SELECT relname FROM pg_class WHERE oid = 't'::regclass;
