CREATE ROLE blob_ann; CREATE ROLE blob_bob; CREATE ROLE blob_eve;
SET ROLE blob_ann; SELECT lo_from_bytea(n, 'of ann') FROM generate_series(4721, 4724) n; GRANT SELECT, UPDATE ON LARGE OBJECT 4721, 4722 TO blob_bob WITH GRANT OPTION; COMMENT ON LARGE OBJECT 4721 IS 'a comment'; RESET ROLE;
SET ROLE blob_bob; SELECT lo_put(4722, 3, 'BOB'); SELECT lo_put(4723, 3, 'BOB'); SELECT lo_unlink(4721); GRANT SELECT ON LARGE OBJECT 4721 TO PUBLIC; RESET ROLE;
ALTER LARGE OBJECT 4723 OWNER TO blob_bob; REVOKE UPDATE ON LARGE OBJECT 4722 FROM blob_bob CASCADE; ALTER LARGE OBJECT 4799 OWNER TO blob_bob; COMMENT ON LARGE OBJECT 4799 IS 'x';
BEGIN; SELECT lo_create(4725); ALTER LARGE OBJECT 4725 OWNER TO blob_eve; GRANT ALL ON LARGE OBJECT 4725 TO blob_ann; COMMENT ON LARGE OBJECT 4725 IS 'eve''s'; COMMIT;
ALTER ROLE blob_bob RENAME TO blob_rob; REASSIGN OWNED BY blob_rob TO blob_eve; DROP OWNED BY blob_rob; DROP ROLE blob_rob;
BEGIN; SET LOCAL ROLE blob_eve; SELECT lo_from_bytea(4726, 'soon gone'); SELECT lo_put(4725, 2046, 'soon gone'); RESET ROLE; DROP OWNED BY blob_eve; SELECT lo_create(4725); COMMIT; DROP ROLE blob_eve;
SELECT oid, lomowner::regrole, lomacl, obj_description(oid, 'pg_largeobject') FROM pg_largeobject_metadata WHERE oid BETWEEN 4721 AND 4729 ORDER BY oid;
SELECT loid, pageno, convert_from(data, 'UTF8') FROM pg_largeobject WHERE loid BETWEEN 4721 AND 4729 ORDER BY loid, pageno;
