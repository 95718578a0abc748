CREATE DATABASE case_shop;
CREATE DATABASE case_spare;
\set case :DBNAME
\connect case_shop
CREATE TABLE goods (k serial PRIMARY KEY, v text); INSERT INTO goods (v) VALUES ('in shop');
ALTER DATABASE case_shop RENAME TO case_store;
\connect :case
ALTER DATABASE case_shop RENAME TO case_spare;
ALTER DATABASE case_nothing RENAME TO case_store;
ALTER DATABASE case_shop RENAME TO case_store;
\connect case_store
INSERT INTO goods (v) VALUES ('in store') RETURNING k;
\connect :case
BEGIN; ALTER DATABASE case_store RENAME TO case_between; ROLLBACK;
BEGIN; ALTER DATABASE case_store RENAME TO case_between; ALTER DATABASE case_spare RENAME TO case_store; COMMENT ON DATABASE case_between IS 'was the shop'; COMMIT;
CREATE DATABASE case_shop TEMPLATE case_between;
\connect case_shop
INSERT INTO goods (v) VALUES ('in another shop'); SELECT * FROM goods ORDER BY k;
\connect :case
ALTER DATABASE case_shop SET TABLESPACE pg_default;
ALTER DATABASE case_shop REFRESH COLLATION VERSION;
SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname ~ '^case_(between|s)' ORDER BY 1;
DROP DATABASE case_shop;
DROP DATABASE case_store;
DROP DATABASE case_between;
