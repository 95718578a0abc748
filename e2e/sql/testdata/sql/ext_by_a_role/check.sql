SELECT count(*), max(k) FROM t; SELECT count(*) FROM pg_proc WHERE pronamespace = 'ext_by_a_role'::regnamespace;
