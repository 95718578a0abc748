SELECT tableoid::regclass, * FROM t ORDER BY k; SELECT * FROM log ORDER BY n;
