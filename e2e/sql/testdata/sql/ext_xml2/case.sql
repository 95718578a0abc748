CREATE EXTENSION xml2; CREATE TABLE t (k int PRIMARY KEY, d text); INSERT INTO t VALUES (1, '<a><b>1</b></a>'); INSERT INTO t SELECT 2, xpath_string(d, '/a/b') FROM t; SELECT * FROM xpath_table('k', 'd', 'ext_xml2.t', '/a/b', 'k = 1') AS x (k int, b text);
SELECT * FROM t ORDER BY k;
