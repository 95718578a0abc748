SELECT count(*), sum(k), sum(length(v)) FROM t;
