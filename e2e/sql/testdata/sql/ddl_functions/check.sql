SELECT * FROM t ORDER BY k; SELECT proname, proconfig, prorows FROM pg_proc WHERE pronamespace = 'ddl_functions'::regnamespace ORDER BY 1;
