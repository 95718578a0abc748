SELECT count(*), min(v) FROM t;
