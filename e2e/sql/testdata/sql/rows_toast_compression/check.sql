SELECT k, length(a), md5(b) FROM t ORDER BY k;
