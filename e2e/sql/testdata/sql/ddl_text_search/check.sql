SELECT * FROM t ORDER BY k; SELECT to_tsvector('ddl_text_search.mine', 'the running dogs');
