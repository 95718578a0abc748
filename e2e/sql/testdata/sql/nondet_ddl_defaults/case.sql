CREATE TABLE t (k int PRIMARY KEY, at timestamptz DEFAULT now() + interval '1 day', u uuid DEFAULT gen_random_uuid(), n int DEFAULT (random() * 100)::int);
ALTER TABLE t ALTER n SET DEFAULT (random() * 1000)::int; CREATE VIEW v AS SELECT now() AS t, random() AS r; CREATE FUNCTION f() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT now()';
INSERT INTO t (k) VALUES (1), (2); CREATE TABLE p (k int, d date) PARTITION BY RANGE (d); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT count(*) FROM t;
