SELECT * FROM ddl_b.v ORDER BY k;
