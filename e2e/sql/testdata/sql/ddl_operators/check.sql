SELECT * FROM t; SELECT oprname, oprrest FROM pg_operator WHERE oprnamespace = 'ddl_operators'::regnamespace ORDER BY 1;
