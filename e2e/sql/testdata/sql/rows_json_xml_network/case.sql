CREATE TABLE j (id int PRIMARY KEY, j json, jb jsonb, i inet, c cidr, m macaddr, m8 macaddr8, b bit(4), vb bit varying, u uuid, p jsonpath);
INSERT INTO j VALUES (1, '{"b": 1,  "a": [1,2]}', '{"b": 1,  "a": [1,2]}', '10.1.2.3/24', '10.1.0.0/16', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'1010', B'101', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '$.a[*] ? (@ > 1)');
INSERT INTO j VALUES (2, 'null', 'null', '::1', '2001:db8::/32', NULL, NULL, B'0000', B'', NULL, NULL);
UPDATE j SET jb = jsonb_set(jb, '{a,0}', '"x"') WHERE id = 1;
SELECT * FROM j ORDER BY id;
