CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public;
CREATE SERVER case_parts FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'HOST', port :'PORT', dbname :'DBNAME'); CREATE USER MAPPING FOR PUBLIC SERVER case_parts OPTIONS (user 'postgres');
CREATE TABLE there (k int, v text); CREATE TABLE p (k int, v text) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (10 + 10) SERVER case_parts OPTIONS (schema_name 'foreign_partitions', table_name 'there');
INSERT INTO p VALUES (1, 'local'), (11, 'foreign'), (2, 'local'), (12, 'foreign'); SELECT tableoid::regclass, * FROM p ORDER BY k;
UPDATE p SET v = v || '!' WHERE k < 12; UPDATE p SET k = 13 WHERE k = 2; DELETE FROM p WHERE k = 12; SELECT tableoid::regclass, * FROM p ORDER BY k;
UPDATE p SET k = 3 WHERE k = 13;
\copy p from stdin
4	copied
14	copied away
\.
ALTER TABLE p DETACH PARTITION p2; INSERT INTO p VALUES (15, 'nowhere'); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20); INSERT INTO p VALUES (15, 'attached');
ALTER TABLE p ADD COLUMN r int DEFAULT 7; ALTER TABLE there ADD COLUMN r int; CREATE UNIQUE INDEX ON p (k);
CREATE TABLE base (k int, v text); INSERT INTO base VALUES (100, 'base'); CREATE FOREIGN TABLE child () INHERITS (base) SERVER case_parts OPTIONS (schema_name 'foreign_partitions', table_name 'there');
UPDATE base SET v = 'changed' WHERE k IN (11, 100); SELECT tableoid::regclass, * FROM base ORDER BY k; ALTER TABLE base ADD COLUMN w float8 DEFAULT random(); SELECT count(DISTINCT w) FROM ONLY base;
TRUNCATE p; SELECT count(*) FROM there;
INSERT INTO p VALUES (5, 'last', 1), (16, 'last', 1);
