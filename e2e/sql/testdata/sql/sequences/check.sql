SELECT sequencename, start_value, increment_by, cycle, cache_size FROM pg_sequences WHERE schemaname = 'sequences' ORDER BY 1;
