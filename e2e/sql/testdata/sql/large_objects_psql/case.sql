CREATE TABLE t (k int PRIMARY KEY, o oid);
\o /dev/null
\lo_import testdata/sql/large_objects/want.txt 'a file'
\o
INSERT INTO t VALUES (1, :LASTOID);
BEGIN;
\o /dev/null
\lo_import testdata/sql/large_objects/case.sql
\o
INSERT INTO t VALUES (2, :LASTOID);
COMMIT;
BEGIN;
\o /dev/null
\lo_import testdata/sql/large_objects/case.sql
\lo_unlink :LASTOID
\lo_import testdata/sql/large_objects/case.sql
\o
ROLLBACK;
SELECT o AS gone FROM t WHERE k = 2 \gset
\lo_export :gone /dev/null
\o /dev/null
\lo_unlink :gone
\o
SELECT k, length(lo_get(o)) > 1000 AS whole, obj_description(o, 'pg_largeobject') FROM t WHERE k = 1;
SELECT count(*) FROM pg_largeobject_metadata WHERE oid IN (SELECT o FROM t);
