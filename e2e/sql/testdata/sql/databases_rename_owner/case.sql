CREATE ROLE dbo; ALTER DATABASE template1 OWNER TO dbo; COMMENT ON DATABASE template1 IS 'a comment'; ALTER DATABASE template1 OWNER TO postgres; COMMENT ON DATABASE template1 IS 'default template for new databases';
SELECT datdba::regrole FROM pg_database WHERE datname = 'template1';
