SELECT * FROM t ORDER BY k;
SELECT loid, pageno, convert_from(data, 'UTF8') FROM pg_largeobject WHERE loid BETWEEN 4731 AND 4739 ORDER BY loid;
