SELECT md5(big), n FROM t ORDER BY n;
