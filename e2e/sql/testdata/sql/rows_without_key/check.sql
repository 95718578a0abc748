SELECT * FROM k ORDER BY a, b, c::text;
SELECT * FROM num ORDER BY n::text;
