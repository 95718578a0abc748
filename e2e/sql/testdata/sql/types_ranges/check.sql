SET TimeZone = 'UTC'; SELECT * FROM t ORDER BY k;
