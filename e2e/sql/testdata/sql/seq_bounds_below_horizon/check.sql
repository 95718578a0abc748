SELECT * FROM t ORDER BY v; SELECT sequencename, min_value, max_value FROM pg_sequences WHERE schemaname = 'seq_bounds_below_horizon' ORDER BY 1; SELECT nextval('s');
