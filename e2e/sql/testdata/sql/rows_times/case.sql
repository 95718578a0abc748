SET TimeZone = 'America/New_York';
SET DateStyle = 'German, DMY';
SET IntervalStyle = 'sql_standard';
CREATE TABLE t (id int PRIMARY KEY, d date, t time, tz timetz, ts timestamp, tsz timestamptz, i interval);
INSERT INTO t VALUES (1, '31.12.1999', '23:59:59.999999', '12:00+05:30', '1.2.2003 04:05:06.789', '1.2.2003 04:05:06.789', '1-2 3 4:05:06'),
  (2, 'infinity', '24:00', '00:00-15:59', '-infinity', 'infinity', '-1-2'), (3, '4713-01-01 BC', NULL, NULL, '294276-12-31', NULL, '0');
RESET ALL;
SET TimeZone = 'UTC';
SELECT * FROM t ORDER BY id;
