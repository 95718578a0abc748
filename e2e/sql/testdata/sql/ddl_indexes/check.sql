SET enable_seqscan = off; SELECT count(*) FROM t WHERE a @> '{4}'; SELECT count(*) FROM t WHERE r @> 7; SELECT k FROM t WHERE v = 'V8';
