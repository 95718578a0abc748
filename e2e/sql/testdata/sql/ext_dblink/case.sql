CREATE EXTENSION dblink; CREATE TABLE t (k int); INSERT INTO t SELECT count(*) FROM dblink_get_notify(); SELECT dblink_connect('none', 'host=/nowhere');
SELECT * FROM t;
