SET client_min_messages = error; CREATE TEMP SEQUENCE ts; SELECT nextval('ts'); CREATE UNLOGGED SEQUENCE us; SELECT nextval('us'), nextval('us'); ALTER SEQUENCE us SET LOGGED; SELECT nextval('us');
DROP SEQUENCE us;
