SELECT k, length(b), md5(b) FROM t ORDER BY k;
