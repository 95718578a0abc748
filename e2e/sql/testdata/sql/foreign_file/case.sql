CREATE EXTENSION file_fdw; CREATE SERVER case_files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE lines (k int, v text) SERVER case_files OPTIONS (program $$printf '1,one\n2,two\n'$$, format 'csv');
CREATE FOREIGN TABLE missing (k int) SERVER case_files OPTIONS (filename '/nowhere/to/be/found', format 'csv');
CREATE FOREIGN TABLE wrong (k int) SERVER case_files OPTIONS (no_such_option '1');
SELECT * FROM lines; SELECT * FROM missing; INSERT INTO lines VALUES (3, 'three'); UPDATE lines SET v = 'x'; TRUNCATE lines; ANALYZE lines;
CREATE TABLE t (k int, v text); INSERT INTO t SELECT * FROM lines; CREATE TABLE copied AS SELECT * FROM lines; CREATE MATERIALIZED VIEW seen AS SELECT * FROM lines; REFRESH MATERIALIZED VIEW seen;
ALTER FOREIGN TABLE lines OPTIONS (SET program $$printf '3,three\n'$$); MERGE INTO t USING lines l ON t.k = l.k WHEN NOT MATCHED THEN INSERT VALUES (l.k, l.v);
