SELECT k, a, q FROM t ORDER BY k;
