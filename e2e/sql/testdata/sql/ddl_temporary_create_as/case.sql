CREATE TABLE kept (k int);
CREATE TEMP TABLE scratch AS SELECT generate_series(1, 5) AS k;
SELECT k INTO TEMP more FROM scratch WHERE k > 3;
CREATE TEMP VIEW tv AS SELECT * FROM scratch; CREATE TEMP SEQUENCE ts;
INSERT INTO kept SELECT k + nextval('ts') * 0 FROM more; INSERT INTO kept SELECT max(k) FROM tv;
SELECT * FROM kept ORDER BY k;
