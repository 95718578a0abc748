ALTER SYSTEM SET log_min_duration_statement = 60000; ALTER SYSTEM RESET log_min_duration_statement; SELECT pg_reload_conf();
LOAD 'auto_explain'; SELECT count(*) FROM pg_settings WHERE name = 'auto_explain.log_analyze';
