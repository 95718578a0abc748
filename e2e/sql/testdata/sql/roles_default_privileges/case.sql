CREATE ROLE dp_a; CREATE ROLE dp_b;
ALTER DEFAULT PRIVILEGES IN SCHEMA roles_default_privileges GRANT SELECT ON TABLES TO dp_a; ALTER DEFAULT PRIVILEGES FOR ROLE dp_b IN SCHEMA roles_default_privileges GRANT EXECUTE ON FUNCTIONS TO dp_a; ALTER DEFAULT PRIVILEGES FOR ROLE dp_b REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE TABLE t (k int); ALTER DEFAULT PRIVILEGES IN SCHEMA roles_default_privileges REVOKE SELECT ON TABLES FROM dp_a; CREATE TABLE u (k int);
SELECT relname, relacl FROM pg_class WHERE relnamespace = 'roles_default_privileges'::regnamespace ORDER BY 1; SELECT defaclrole::regrole, defaclobjtype, defaclacl FROM pg_default_acl WHERE defaclrole = 'dp_b'::regrole ORDER BY 2, 3::text;
