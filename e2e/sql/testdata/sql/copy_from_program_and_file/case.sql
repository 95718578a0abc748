CREATE TABLE t (k int);
COPY t FROM PROGRAM 'echo 1; echo 2';
COPY t FROM '/nowhere/at/all';
SELECT * FROM t ORDER BY k;
