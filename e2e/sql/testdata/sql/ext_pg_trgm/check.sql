SET enable_seqscan = off; SELECT * FROM t WHERE v LIKE '%bean%';
