CREATE TABLE t (k int, region text, v text, PRIMARY KEY (k, region)) PARTITION BY LIST (region);
CREATE TABLE t_eu PARTITION OF t FOR VALUES IN ('eu'); CREATE TABLE t_us PARTITION OF t FOR VALUES IN ('us', 'ca');
CREATE TABLE t_rest PARTITION OF t DEFAULT;
INSERT INTO t VALUES (1, 'eu', 'a'), (2, 'us', 'b'), (3, 'jp', 'c');
UPDATE t SET region = 'us' WHERE k = 1;
UPDATE t SET region = 'ca', k = 20 WHERE k = 2;
UPDATE t_rest SET region = 'eu';
INSERT INTO t_eu VALUES (4, 'us', 'wrong');
SELECT tableoid::regclass, * FROM t ORDER BY k;
