CREATE DATABASE case_db;
\set here :DBNAME
\c case_db
CREATE TABLE t (k int PRIMARY KEY); INSERT INTO t VALUES (1), (2); SELECT * FROM t ORDER BY k;
\c :here
SELECT datname FROM pg_database WHERE datname = 'case_db';
DROP DATABASE case_db; DROP DATABASE IF EXISTS case_db;
SELECT count(*) FROM pg_database WHERE datname = 'case_db';
