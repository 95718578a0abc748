CREATE TABLE t (k int PRIMARY KEY, v text, d numeric DEFAULT 7);
COPY t FROM stdin;
1	plain	1.5
2	\N	2
3	tab\there \\ and \x41	3
\.
COPY t (v, k) FROM stdin (FORMAT csv, HEADER, NULL 'nil', QUOTE '''');
v,k
'a,''b''',4
nil,5
\.
COPY t FROM stdin;
6	too few
\.
COPY t FROM stdin WHERE k > 7;
7	filtered	1
8	kept	1
\.
COPY (SELECT * FROM t ORDER BY k) TO stdout (FORMAT csv, FORCE_QUOTE *);
