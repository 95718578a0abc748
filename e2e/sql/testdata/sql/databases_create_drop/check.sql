SELECT datname, datconnlimit FROM pg_database WHERE datname LIKE 'case_db%' ORDER BY datname;
