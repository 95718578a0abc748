SET client_encoding = 'LATIN1';
CREATE TABLE t (k int PRIMARY KEY, v text, j jsonb);
INSERT INTO t VALUES (1, 'é', to_jsonb('é'::text));
UPDATE t SET v = v || 'é';
RESET client_encoding;
SELECT k, v = U&'\00c3\00a9\00c3\00a9' AS v, j = '"\u00c3\u00a9"' AS j, octet_length(v) FROM t;
