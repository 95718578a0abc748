SELECT count(*) FROM t WHERE v > 'v5';
