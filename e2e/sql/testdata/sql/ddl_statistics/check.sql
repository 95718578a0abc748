SELECT stxname, stxkind, stxstattarget FROM pg_statistic_ext WHERE stxrelid = 't'::regclass;
