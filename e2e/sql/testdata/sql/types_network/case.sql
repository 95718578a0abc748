CREATE TABLE t (k int PRIMARY KEY, i inet, c cidr, m macaddr, n macaddr8);
INSERT INTO t VALUES (1, '10.1.2.3/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05'), (2, '::1', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00:00:00');
UPDATE t SET i = i + 1, c = set_masklen(c, 9) WHERE k = 1;
INSERT INTO t (k, c) VALUES (3, '10.0.0.1/8');
SELECT * FROM t ORDER BY k;
