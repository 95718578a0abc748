SELECT rolname, rolcanlogin, rolbypassrls, rolinherit FROM pg_roles WHERE rolname LIKE 'rc\_%' ORDER BY 1;
