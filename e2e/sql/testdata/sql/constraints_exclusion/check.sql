SELECT k, during FROM t ORDER BY k;
