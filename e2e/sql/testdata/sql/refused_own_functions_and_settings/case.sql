ALTER DATABASE postgres SET session_preload_libraries = 'nowhere'; ALTER DATABASE postgres RESET session_preload_libraries; ALTER ROLE ALL SET local_preload_libraries = 'nowhere'; ALTER ROLE ALL RESET local_preload_libraries;
SELECT pg_catalog.barista_end_backends(NULL); SET barista.spill_limit = 1; SET barista.session = 'leader'; SET barista.bootstrap = on; ALTER ROLE postgres SET barista.spill_limit = 1;
SELECT 1 AS alive;
