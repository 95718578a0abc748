-- What Barista needs inside every database, and its own role.
--
-- Run it as a superuser in template1 and in postgres, in a server that was
-- started with
--   -c shared_preload_libraries=barista -c dynamic_library_path=DIR:$libdir
--   -c barista.bootstrap=on -c allow_system_table_mods=on
-- (`postgres --single -j` will do as well: every statement ends with a
-- semicolon and an empty line).  It may be run again.
--
-- The functions name no path: each server finds its own copy of the library,
-- also one that was made from a base backup.

CREATE OR REPLACE FUNCTION pg_catalog.barista_capture(internal, oid, tid, tid) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'barista', 'barista_capture';

CREATE OR REPLACE FUNCTION pg_catalog.barista_capture_truncate(internal, oid) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'barista', 'barista_capture_truncate';

CREATE OR REPLACE FUNCTION pg_catalog.barista_trigger() RETURNS trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'barista', 'barista_trigger';

CREATE OR REPLACE FUNCTION pg_catalog.barista_start() RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'barista', 'barista_start';

CREATE OR REPLACE FUNCTION pg_catalog.barista_flush() RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'barista', 'barista_flush';

CREATE OR REPLACE FUNCTION pg_catalog.barista_bootstrap() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'barista', 'barista_bootstrap';

CREATE OR REPLACE FUNCTION pg_catalog.barista_apply(part bytea) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'barista', 'barista_apply';

CREATE OR REPLACE FUNCTION pg_catalog.barista_end_backends(among integer[]) RETURNS integer[]
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'barista', 'barista_end_backends';

CREATE OR REPLACE FUNCTION pg_catalog.barista_empty_unlogged() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'barista', 'barista_empty_unlogged';

CREATE OR REPLACE FUNCTION pg_catalog.barista_horizons(only_changed boolean)
	RETURNS TABLE (schema text, name text, horizon bigint, is_called boolean, lsn pg_lsn)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'barista', 'barista_horizons';

CREATE OR REPLACE FUNCTION pg_catalog.barista_sequence_state(sequence oid, OUT horizon bigint, OUT is_called boolean)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'barista', 'barista_sequence_state';

CREATE OR REPLACE FUNCTION pg_catalog.barista_sum_rows(relation oid, buckets integer)
	RETURNS TABLE (bucket integer, row_count bigint, checksum bigint)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'barista', 'barista_sum_rows';

CREATE OR REPLACE FUNCTION pg_catalog.barista_row_keys(relation oid, buckets integer, bucket integer, length integer)
	RETURNS TABLE (key text, checksum bigint)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'barista', 'barista_row_keys';

CREATE OR REPLACE FUNCTION pg_catalog.barista_hidden(catalog regclass)
	RETURNS TABLE (object oid, part integer, hash bigint)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'barista', 'barista_hidden';

DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'barista') THEN CREATE ROLE barista LOGIN SUPERUSER REPLICATION; END IF; END $$;

-- What Barista's own sessions run as: it owns nothing and may nothing but call their functions.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'barista_nobody') THEN CREATE ROLE barista_nobody NOLOGIN NOINHERIT; END IF; END $$;

-- All functions but those that triggers call are theirs alone.
DO $$ DECLARE f pg_catalog.regprocedure; BEGIN
FOR f IN SELECT oid FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND proname LIKE 'barista\_%'
	AND proname NOT IN ('barista_capture', 'barista_capture_truncate', 'barista_trigger') LOOP
	EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
	EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO barista_nobody', f);
END LOOP; END $$;

-- Privileges that were there from the beginning are not dumped.
INSERT INTO pg_catalog.pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
	SELECT p.oid, 'pg_catalog.pg_proc'::regclass, 0, 'i', p.proacl FROM pg_catalog.pg_proc p
	WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname LIKE 'barista\_%' AND p.proacl IS NOT NULL
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs i WHERE i.objoid = p.oid AND i.classoid = 'pg_catalog.pg_proc'::regclass);

DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_replication_origin WHERE roname = 'barista') THEN PERFORM pg_catalog.pg_replication_origin_create('barista'); END IF; END $$;
