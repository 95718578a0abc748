SELECT k, convert_from(lo_get(o), 'UTF8') FROM t ORDER BY k;
SELECT convert_from(lo_get(o), 'UTF8') FROM made;
SELECT oid, lomowner::regrole, lomacl FROM pg_largeobject_metadata WHERE oid BETWEEN 4711 AND 4719 ORDER BY oid;
SELECT loid, pageno, length(data), md5(data) FROM pg_largeobject WHERE loid BETWEEN 4711 AND 4719 ORDER BY loid, pageno;
