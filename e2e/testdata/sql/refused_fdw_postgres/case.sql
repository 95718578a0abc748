CREATE EXTENSION postgres_fdw; CREATE SERVER case_pg FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'postgres'); CREATE TABLE t (k int); INSERT INTO t VALUES (1);
SELECT * FROM t; SELECT count(*) FROM postgres_fdw_get_connections();
