SELECT c, count(*) FROM t GROUP BY c ORDER BY c;
