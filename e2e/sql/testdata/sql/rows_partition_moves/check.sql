SELECT tableoid::regclass, * FROM t ORDER BY k;
