CREATE EXTENSION hstore; CREATE TABLE t (k int PRIMARY KEY, h hstore); CREATE INDEX ON t USING gin (h); CREATE INDEX ON t USING gist (h);
INSERT INTO t VALUES (1, 'a=>1, "b c"=>NULL'), (2, ''); UPDATE t SET h = h || hstore('n', k::text), k = k + 10; UPDATE t SET h['x'] = 'y' WHERE k = 11; DELETE FROM t WHERE h @> 'n=>2';
SELECT * FROM t;
