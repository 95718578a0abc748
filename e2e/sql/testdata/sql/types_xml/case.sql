CREATE TABLE t (k int PRIMARY KEY, x xml);
SET xmloption = document;
INSERT INTO t VALUES (1, '<a b="c">é</a>'), (2, xmlelement(name e, xmlattributes(1 AS x), 'text'));
INSERT INTO t VALUES (3, 'no document');
SET xmloption = content;
INSERT INTO t VALUES (4, 'content <b/> only');
UPDATE t SET x = xmlconcat(x, '<more/>') WHERE k = 4;
SELECT * FROM t ORDER BY k;
