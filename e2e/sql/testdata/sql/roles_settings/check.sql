SELECT setrole::regrole, setconfig FROM pg_db_role_setting WHERE setrole = 'rs_a'::regrole ORDER BY 2;
