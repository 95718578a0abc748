CREATE TABLE t (k int, v text) PARTITION BY RANGE (k); CREATE TABLE a PARTITION OF t FOR VALUES FROM (0) TO (10); CREATE TABLE b PARTITION OF t FOR VALUES FROM (10) TO (20);
CREATE TABLE log (n serial, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log (what) VALUES (NEW.v); NEW.v := upper(NEW.v); RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION note();
COPY t FROM stdin;
1	one
11	eleven
2	two
12	twelve
\.
COPY t FROM stdin;
3	lost with its line
30	nowhere
\.
SELECT tableoid::regclass, * FROM t ORDER BY k; SELECT * FROM log ORDER BY n;
