ALTER ROLE barista NOLOGIN; DROP ROLE barista; ALTER ROLE barista RENAME TO x; GRANT barista TO postgres; CREATE ROLE barista;
SELECT rolcanlogin FROM pg_roles WHERE rolname = 'barista';
