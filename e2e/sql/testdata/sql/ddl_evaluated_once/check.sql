SELECT * FROM t ORDER BY k;
SELECT * FROM u ORDER BY k;
SELECT * FROM pk ORDER BY k;
SELECT tableoid::regclass, * FROM p ORDER BY v;
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname IN ('p1', 'p2') AND relnamespace = 'ddl_evaluated_once'::regnamespace ORDER BY 1;
