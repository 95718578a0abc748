CREATE ROLE rls_ann; CREATE ROLE rls_bob;
CREATE TABLE t (k int PRIMARY KEY, owner name DEFAULT current_user, v text);
GRANT USAGE ON SCHEMA security_row_level TO rls_ann, rls_bob; GRANT ALL ON t TO rls_ann, rls_bob;
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON t USING (owner = current_user); CREATE POLICY small ON t AS RESTRICTIVE FOR INSERT WITH CHECK (k < 100);
SET ROLE rls_ann; INSERT INTO t VALUES (1), (2); INSERT INTO t VALUES (200); INSERT INTO t VALUES (3, 'rls_bob');
SET ROLE rls_bob; INSERT INTO t VALUES (4); UPDATE t SET v = 'seen'; DELETE FROM t WHERE k = 1; SELECT * FROM t ORDER BY k;
RESET ROLE; ALTER POLICY own ON t TO rls_ann; ALTER POLICY own ON t RENAME TO mine;
SELECT * FROM t ORDER BY k; SELECT polname, polpermissive FROM pg_policy WHERE polrelid = 't'::regclass ORDER BY 1;
