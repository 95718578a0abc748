SELECT lo_create(4711); SELECT lo_from_bytea(4712, 'abc'); SELECT lo_put(1, 0, 'x'); SELECT lo_unlink(4711); ALTER LARGE OBJECT 4711 OWNER TO postgres; COMMENT ON LARGE OBJECT 4711 IS 'x'; GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC;
SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4711;
