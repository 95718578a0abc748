ALTER DATABASE template1 ALLOW_CONNECTIONS false; ALTER DATABASE template1 ALLOW_CONNECTIONS true;
SELECT datallowconn FROM pg_database WHERE datname = 'template1';
