CREATE TEXT SEARCH DICTIONARY simple_stop (TEMPLATE = simple, STOPWORDS = english, ACCEPT = true);
CREATE TEXT SEARCH CONFIGURATION cfg (COPY = simple); ALTER TEXT SEARCH CONFIGURATION cfg ALTER MAPPING FOR asciiword, word WITH simple_stop, english_stem; ALTER TEXT SEARCH CONFIGURATION cfg DROP MAPPING FOR email;
ALTER TEXT SEARCH DICTIONARY simple_stop (ACCEPT = false); ALTER TEXT SEARCH CONFIGURATION cfg RENAME TO mine; ALTER TEXT SEARCH DICTIONARY simple_stop RENAME TO stops;
CREATE TABLE t (k int, v tsvector); INSERT INTO t VALUES (1, to_tsvector('ddl_text_search.mine', 'the running dogs a@b.de'));
SET default_text_search_config = 'ddl_text_search.mine'; INSERT INTO t VALUES (2, to_tsvector('cats running'));
SELECT * FROM t ORDER BY k;
