SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'roles_owners'::regnamespace AND relkind IN ('r', 'v', 'S') AND relname <> 'mine' ORDER BY 1;
