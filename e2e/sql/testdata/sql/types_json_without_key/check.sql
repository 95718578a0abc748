SELECT j FROM t ORDER BY j::text;
