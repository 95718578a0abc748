CREATE TABLE t (p point, l line, s lseg, b box, h path, g polygon, c circle);
INSERT INTO t VALUES ('(0.1,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '<(1,1),0.5>');
INSERT INTO t SELECT p + '(1,1)'::point, l, s, b, pclose(h), g, c FROM t;
UPDATE t SET c = c * '(2,0)'::point WHERE p ~= '(1.1,1)';
DELETE FROM t WHERE isopen(h);
SELECT * FROM t;
