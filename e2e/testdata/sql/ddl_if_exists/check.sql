SELECT * FROM t, v;
