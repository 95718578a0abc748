CREATE TABLE t (k int); SET statement_timeout = '50ms'; BEGIN; INSERT INTO t VALUES (1); SELECT pg_sleep(5); COMMIT; INSERT INTO t VALUES (2); SET statement_timeout = 0; SET idle_in_transaction_session_timeout = '10min'; INSERT INTO t VALUES (3);
SELECT * FROM t ORDER BY k;
