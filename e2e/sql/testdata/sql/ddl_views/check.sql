SELECT * FROM v; SELECT * FROM joined ORDER BY k; SELECT pg_get_viewdef('v'::regclass);
