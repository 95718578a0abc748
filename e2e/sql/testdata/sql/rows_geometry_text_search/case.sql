CREATE TABLE g (id int PRIMARY KEY, p point, l line, s lseg, b box, pa path, po polygon, c circle, v tsvector, q tsquery);
INSERT INTO g VALUES (1, '(1,2)', '{1,2,3}', '[(0,0),(1,1)]', '(2,2),(1,1)', '((0,0),(1,1),(2,0))', '((0,0),(1,1),(2,0))', '<(1,1),2>', to_tsvector('simple', 'a fat cat'), 'fat & cat'::tsquery);
INSERT INTO g (id) VALUES (2);
UPDATE g SET p = p + '(1,1)'::point WHERE id = 1;
SELECT * FROM g ORDER BY id;
