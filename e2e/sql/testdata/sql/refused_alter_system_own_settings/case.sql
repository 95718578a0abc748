ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET wal_level = minimal; ALTER SYSTEM SET shared_preload_libraries = ''; ALTER SYSTEM SET port = 1; ALTER SYSTEM RESET ALL;
SHOW fsync;
