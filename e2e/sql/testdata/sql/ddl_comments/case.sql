CREATE TABLE t (k int CONSTRAINT c CHECK (k > 0)); CREATE INDEX i ON t (k);
COMMENT ON TABLE t IS 'it''s a table'; COMMENT ON COLUMN t.k IS U&'\2615'; COMMENT ON INDEX i IS 'x'; COMMENT ON INDEX i IS NULL; COMMENT ON CONSTRAINT c ON t IS 'check'; COMMENT ON SCHEMA ddl_comments IS 'the case';
COMMENT ON TABLE none IS 'x';
SELECT obj_description('t'::regclass), col_description('t'::regclass, 1), obj_description('i'::regclass);
