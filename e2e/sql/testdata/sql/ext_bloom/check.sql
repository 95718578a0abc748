SET enable_seqscan = off; SELECT * FROM t WHERE a = 5 AND b = 7;
