SELECT relname, pg_get_userbyid(relowner), relacl FROM pg_class WHERE relnamespace = 'ddl_event_trigger_changes'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1;
