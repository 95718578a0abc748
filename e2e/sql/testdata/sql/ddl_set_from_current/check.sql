SELECT ddl_set_from_current.f(); SELECT proconfig FROM pg_proc WHERE pronamespace = 'ddl_set_from_current'::regnamespace ORDER BY proname;
