SELECT k, length(big), md5(big), note FROM t ORDER BY k;
