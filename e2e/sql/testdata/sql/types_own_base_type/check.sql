SELECT k, c::float8, h FROM t ORDER BY k;
