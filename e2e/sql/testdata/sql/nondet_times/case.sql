CREATE TABLE t (k serial PRIMARY KEY, a timestamptz DEFAULT now(), b timestamptz DEFAULT clock_timestamp(), c date DEFAULT current_date, d time DEFAULT localtime, e text DEFAULT timeofday());
INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES; UPDATE t SET a = statement_timestamp(), b = transaction_timestamp() WHERE k = 2;
SELECT count(*) FROM t WHERE a > now() - interval '1 h';
