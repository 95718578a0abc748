SELECT k, length(lo_get(o)) > 1000 AS whole, obj_description(o, 'pg_largeobject') FROM t WHERE k = 1;
SELECT count(*) FROM pg_largeobject_metadata WHERE oid IN (SELECT o FROM t);
