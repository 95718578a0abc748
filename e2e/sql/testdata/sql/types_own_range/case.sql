CREATE TYPE textrange AS RANGE (subtype = text, collation = "C", multirange_type_name = textranges);
CREATE TABLE t (k int PRIMARY KEY, r textrange, m textranges);
INSERT INTO t VALUES (1, '[a,"b,c")', '{[a,b),[c,d)}'), (2, 'empty', '{}');
UPDATE t SET m = m + textranges(r);
SELECT * FROM t ORDER BY k;
