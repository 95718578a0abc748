CREATE SEQUENCE s; SELECT nextval('s') FROM generate_series(1, 40); DROP SEQUENCE s; CREATE SEQUENCE s; SELECT nextval('s'); SELECT setval('s', 500); DROP SEQUENCE s; CREATE SEQUENCE s START 3;
SELECT nextval('s'); ALTER SEQUENCE s SET SCHEMA public; SELECT nextval('public.s'); DROP SEQUENCE public.s;
