SELECT k, (n).p, whole FROM t ORDER BY k;
