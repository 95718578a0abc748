SELECT tableoid::regclass, * FROM p ORDER BY k; SELECT * FROM there ORDER BY k; SELECT k, v FROM ONLY base;
