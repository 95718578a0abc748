CREATE EXTENSION dict_int; CREATE EXTENSION dict_xsyn; ALTER TEXT SEARCH DICTIONARY intdict (MAXLEN = 3, REJECTLONG = false); ALTER TEXT SEARCH DICTIONARY xsyn (RULES = 'xsyn_sample', KEEPORIG = true);
CREATE TABLE t (l text[]); INSERT INTO t SELECT ts_lexize('intdict', '123456'); INSERT INTO t SELECT ts_lexize('xsyn', 'supernova');
SELECT * FROM t ORDER BY l;
