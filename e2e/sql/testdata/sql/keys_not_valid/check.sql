SELECT conname, convalidated, condeferrable FROM pg_constraint WHERE conrelid = 'c'::regclass ORDER BY 1;
