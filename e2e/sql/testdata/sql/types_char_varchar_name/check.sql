SELECT k, c || '|', v || '|', length(n), octet_length(b) FROM t ORDER BY k;
