CREATE ROLE sa_a; GRANT ALL ON SCHEMA roles_session_authorization TO sa_a; SET SESSION AUTHORIZATION sa_a; CREATE TABLE t (k int, who name DEFAULT session_user); INSERT INTO t VALUES (1); RESET SESSION AUTHORIZATION; INSERT INTO t VALUES (2);
SELECT * FROM t ORDER BY k; SELECT tableowner FROM pg_tables WHERE schemaname = 'roles_session_authorization';
