CREATE DATABASE case_db;
SELECT datname FROM pg_database WHERE datname = 'case_db';
DROP DATABASE case_db;
