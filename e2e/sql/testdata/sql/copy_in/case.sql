CREATE TABLE c (id int PRIMARY KEY, t text, f float8);
COPY c FROM STDIN;
1	one	1.5
2	\N	NaN
3	tab\there	-0
\.
COPY c FROM STDIN WITH (FORMAT csv, HEADER, NULL 'nil');
id,t,f
4,"quo""ted",nil
5,nil,1e10
\.
COPY c FROM STDIN;
6	fine	1
1	twice	1
\.
BEGIN; TRUNCATE c; COPY c FROM STDIN WITH (FREEZE);
7	frozen	7
\.
COMMIT;
COPY c TO STDOUT;
