CREATE ROLE rfc_a; SET work_mem = '9MB'; ALTER ROLE rfc_a SET work_mem FROM CURRENT;
SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'rfc_a'::regrole;
