SELECT * FROM a ORDER BY k;
SELECT * FROM b ORDER BY k;
SELECT * FROM c;
SELECT * FROM d, e;
SELECT * FROM f ORDER BY i;
SELECT length(long) FROM g;
SELECT * FROM h;
SELECT count(*), sum(hashtext(v)), sum(r::numeric), sum(n) FROM big;
