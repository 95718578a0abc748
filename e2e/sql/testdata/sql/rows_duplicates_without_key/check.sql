SELECT v, count(*) FROM t GROUP BY v ORDER BY v;
