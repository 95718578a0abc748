SELECT * FROM t ORDER BY k; SELECT tableowner FROM pg_tables WHERE schemaname = 'roles_session_authorization';
