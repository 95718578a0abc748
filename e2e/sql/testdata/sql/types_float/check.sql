SELECT *, float8send(b) FROM t ORDER BY k;
