CREATE TABLE t (k int PRIMARY KEY, b bytea);
INSERT INTO t VALUES (1, ''), (2, '\x00ff00'), (3, decode(repeat('00', 5000), 'hex')), (4, NULL);
SET bytea_output = escape;
UPDATE t SET b = b || '\\000'::bytea WHERE k = 2;
RESET bytea_output;
SELECT k, length(b), md5(b) FROM t ORDER BY k;
