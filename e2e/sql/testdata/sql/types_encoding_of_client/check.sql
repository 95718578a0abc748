SELECT k, v = U&'\00c3\00a9\00c3\00a9' AS v, j = '"\u00c3\u00a9"' AS j, octet_length(v) FROM t;
