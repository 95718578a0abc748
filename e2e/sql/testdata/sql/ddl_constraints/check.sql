SELECT conname, contype FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY 1; SELECT * FROM t ORDER BY c;
