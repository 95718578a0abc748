SET TimeZone = 'UTC';
SELECT * FROM a ORDER BY id;
