CREATE TABLE t (k int PRIMARY KEY, x xid, y xid8, z cid, l pg_lsn, s pg_snapshot, i tid, v oidvector, w int2vector);
INSERT INTO t VALUES (1, '4294967295', '18446744073709551615', '7', '16/B374D848', '10:20:10,14,15', '(4294967295,65535)', '1 2 3', '-1 0 1');
UPDATE t SET l = l + 16;
SELECT * FROM t ORDER BY k;
