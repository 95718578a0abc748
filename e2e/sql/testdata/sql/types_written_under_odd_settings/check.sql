SELECT count(*), sum(f4), max(n2) FROM v;
