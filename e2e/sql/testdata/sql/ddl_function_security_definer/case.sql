CREATE ROLE fsd_user; GRANT USAGE ON SCHEMA ddl_function_security_definer TO fsd_user;
CREATE TABLE t (k int, who name);
CREATE FUNCTION ins(k int) RETURNS void SECURITY DEFINER LANGUAGE sql SET search_path = ddl_function_security_definer AS 'INSERT INTO t VALUES (k, current_user)';
REVOKE ALL ON FUNCTION ins FROM PUBLIC; GRANT EXECUTE ON FUNCTION ins TO fsd_user;
SET ROLE fsd_user; SELECT ins(1); INSERT INTO t VALUES (2, 'x'); RESET ROLE;
SELECT * FROM t;
