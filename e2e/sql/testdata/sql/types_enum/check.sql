SELECT * FROM t ORDER BY m, k; SELECT enum_range(NULL::mood);
