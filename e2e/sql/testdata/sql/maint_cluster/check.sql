SELECT min(v), count(*) FROM t;
