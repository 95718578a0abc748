CREATE TABLE t (k int PRIMARY KEY, d date, t time, tz timetz, s timestamp, z timestamptz, i interval);
SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601';
INSERT INTO t VALUES (1, '4713-01-01 BC', '24:00', '23:59:59.999999+14', '294276-12-31 23:59:59.999999', 'infinity', 'P1Y2M3DT4H5M6.789S'), (2, '5874897-12-31', '00:00', '00:00-12', '-infinity', '2024-02-29 12:00+00', '-1 mons +1 day');
UPDATE t SET z = z + i WHERE k = 2;
RESET TimeZone; RESET DateStyle; RESET IntervalStyle;
SET TimeZone = 'UTC'; SELECT * FROM t ORDER BY k;
