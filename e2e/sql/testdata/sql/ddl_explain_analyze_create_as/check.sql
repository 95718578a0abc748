SELECT * FROM ddl_explain_analyze_create_as.t ORDER BY 1; SELECT a FROM ddl_explain_analyze_create_as.m ORDER BY 1;
