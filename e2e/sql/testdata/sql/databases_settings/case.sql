ALTER DATABASE template1 CONNECTION LIMIT 7; ALTER DATABASE template1 IS_TEMPLATE false; ALTER DATABASE template1 ALLOW_CONNECTIONS true; SELECT datconnlimit, datistemplate, datallowconn FROM pg_database WHERE datname = 'template1';
ALTER DATABASE template1 WITH CONNECTION LIMIT -1 IS_TEMPLATE true; SELECT datconnlimit, datistemplate FROM pg_database WHERE datname = 'template1';
