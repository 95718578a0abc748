SELECT tableoid::regclass, * FROM t ORDER BY v;
