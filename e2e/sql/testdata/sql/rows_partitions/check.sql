SELECT tableoid::regclass, * FROM p ORDER BY id, at;
