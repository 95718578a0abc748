SELECT tableoid::regclass, * FROM child ORDER BY k; SELECT * FROM log ORDER BY n;
