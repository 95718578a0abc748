SELECT id, length(big), md5(big), other FROM t ORDER BY id;
