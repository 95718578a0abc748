SELECT n, d, m::text FROM t; SELECT k, d::text FROM u ORDER BY k; SELECT relname, relpartbound::text FROM classes;
