SET enable_seqscan = off; SET hnsw.ef_search = 300; SELECT k, v FROM t ORDER BY v <-> '[10,20,30]' LIMIT 3; SELECT round(sum(n)::numeric, 3), count(*) FROM t; SELECT * FROM m;
