CREATE EXTENSION pgcrypto; CREATE TABLE t (k int PRIMARY KEY, h text, b bytea, u uuid DEFAULT gen_random_uuid()); INSERT INTO t VALUES (1, crypt('secret', gen_salt('bf', 4)), pgp_sym_encrypt('data', 'key')), (2, encode(digest('x', 'sha256'), 'hex'), gen_random_bytes(16));
SELECT crypt('secret', h) = h AS same, pgp_sym_decrypt(b, 'key') FROM t WHERE k = 1;
