CREATE EXTENSION "uuid-ossp"; CREATE TABLE t (a uuid PRIMARY KEY DEFAULT uuid_generate_v4(), b uuid DEFAULT uuid_generate_v1mc(), c uuid DEFAULT uuid_generate_v5(uuid_ns_dns(), 'barista')); INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES;
SELECT count(DISTINCT a), count(DISTINCT b), min(c::text) FROM t;
