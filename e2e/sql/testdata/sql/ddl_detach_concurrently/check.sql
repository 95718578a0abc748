SELECT * FROM ddl_detach_concurrently.t1; SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'ddl_detach_concurrently'::regnamespace ORDER BY 1;
