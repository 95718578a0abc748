SELECT k, length(big) FROM t;
