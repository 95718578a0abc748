SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal;
SELECT count(*) FROM pg_policy WHERE polrelid = 't'::regclass;
SELECT count(*) FROM pg_roles WHERE rolname = 'ddl_drop_if_exists_role';
SELECT count(*) FROM pg_publication WHERE pubname = 'ddl_drop_if_exists_pub';
