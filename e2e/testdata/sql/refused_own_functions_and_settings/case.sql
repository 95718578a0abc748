SELECT pg_catalog.barista_backends(true); SET barista.spill_limit = 1; SET barista.session = 'leader'; SET barista.bootstrap = on; ALTER ROLE postgres SET barista.spill_limit = 1;
SELECT 1 AS alive;
