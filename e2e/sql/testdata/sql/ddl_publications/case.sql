CREATE TABLE t (k int PRIMARY KEY);
CREATE PUBLICATION case_pub FOR TABLE t; ALTER PUBLICATION case_pub SET (publish = 'insert'); DROP PUBLICATION case_pub;
SELECT count(*) FROM pg_publication;
