CREATE TABLE p (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (now()) TO (now() + interval '1 day');
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2000-01-01') TO ('2001-01-01');
DROP TABLE IF EXISTS p1;
SELECT count(*) FROM pg_inherits WHERE inhparent = 'p'::regclass;
