SELECT count(*), sum(v), min(k) FROM t;
