CREATE TABLE t (k int PRIMARY KEY, pid int, txid xid8, who name, at pg_lsn, oid oid, node text, place tid);
INSERT INTO t SELECT 1, pg_backend_pid(), pg_current_xact_id(), current_user, pg_current_wal_lsn(), 't'::regclass::oid, current_setting('data_directory'); INSERT INTO t (k, place) SELECT 2, ctid FROM t;
UPDATE t SET txid = xmin::text::xid8 WHERE k = 2;
SELECT count(*) FROM t WHERE pid IS NOT NULL OR txid IS NOT NULL;
