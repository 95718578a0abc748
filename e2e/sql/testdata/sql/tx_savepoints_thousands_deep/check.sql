SELECT count(*), sum(v), min(k), max(k) FROM t; SELECT count(*) FROM pg_class WHERE relname LIKE 'made%' AND relnamespace = 'tx_savepoints_thousands_deep'::regnamespace; SELECT * FROM made10;
