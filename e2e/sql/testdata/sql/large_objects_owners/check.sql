SELECT oid, lomowner::regrole, lomacl, obj_description(oid, 'pg_largeobject') FROM pg_largeobject_metadata WHERE oid BETWEEN 4721 AND 4729 ORDER BY oid;
SELECT loid, pageno, convert_from(data, 'UTF8') FROM pg_largeobject WHERE loid BETWEEN 4721 AND 4729 ORDER BY loid, pageno;
