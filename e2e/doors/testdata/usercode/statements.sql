-- Every kind of statement that is replayed on the other nodes, or travels in another form (extension/ddl_classify.c).
--
-- LITERAL is an array of a domain whose check is the spy: PostgreSQL evaluates it as soon as it reads the text, whatever the statement does with it.

-- place AlterEnumStmt, CreateEnumStmt
-- no plant: labels, and nothing that is evaluated.

-- place CreateSeqStmt, AlterSeqStmt
-- no plant: their options are numbers and names.

-- place CreateConversionStmt
-- no plant: it calls the conversion's function once, which must be in C (pg_conversion.conproc).

-- place CreateTransformStmt
-- no plant: only superusers make them, of functions that take internal; it calls none.

-- place AlterTSDictionaryStmt, AlterTSConfigurationStmt
-- no plant: names, and options that the template's function in C reads (pg_ts_template.tmplinit).

-- place CreateRoleStmt, AlterRoleStmt, DropRoleStmt, GrantRoleStmt
-- no plant: names, words and numbers; they write shared catalogs, none of which has an expression.

-- place SecLabelStmt
-- no plant: its provider is a library.

-- place ImportForeignSchemaStmt
-- no plant: the wrapper's handler, which is in C, makes the statements; each travels as CREATE FOREIGN TABLE.

-- place DropdbStmt
-- no plant: it looks into no database, and what is in the one that is dropped is never read.

-- place CopyStmt: client follower
CREATE TABLE evil.copied (k int PRIMARY KEY, a int[], CHECK (EYE(k) > 0));
CREATE INDEX ON evil.copied (EYE(k), (k + CONST));
COPY evil.copied (k) FROM STDIN;
1
2
3
\.

-- place TruncateStmt: client follower
CREATE TABLE evil.truncated (k int PRIMARY KEY, c evil.ordered);
CREATE INDEX ON evil.truncated ((k + CONST)) WHERE CONST/predicate = 1;
CREATE UNIQUE INDEX ON evil.truncated (c);
INSERT INTO evil.truncated VALUES (1, ROW(1)), (2, ROW(2));
TRUNCATE evil.truncated RESTART IDENTITY;
INSERT INTO evil.truncated VALUES (1, ROW(1));
BEGIN;
CREATE TABLE evil.truncated_at_once (k int);
CREATE INDEX ON evil.truncated_at_once ((k + CONST)) WHERE CONST/predicate = 1;
INSERT INTO evil.truncated_at_once VALUES (1);
TRUNCATE evil.truncated_at_once;
COMMIT;

-- place CreateTableAsStmt: client
CREATE TABLE evil.made_as AS SELECT EYE(1) AS a, CONST AS b, LITERAL AS c;
CREATE MATERIALIZED VIEW evil.materialized AS SELECT EYE(k) AS k, CONST AS b, LITERAL AS c FROM evil.copied;

-- place RefreshMatViewStmt: client
CREATE UNIQUE INDEX ON evil.materialized (k);
CREATE INDEX ON evil.materialized (EYE(k), (k + CONST));
REFRESH MATERIALIZED VIEW evil.materialized;
REFRESH MATERIALIZED VIEW CONCURRENTLY evil.materialized;
REFRESH MATERIALIZED VIEW evil.materialized WITH NO DATA;
REFRESH MATERIALIZED VIEW evil.materialized;

-- place RenameStmt: never
CREATE TABLE evil.renamed (k int PRIMARY KEY, a int DEFAULT EYE(1) CHECK (EYE(a) > 0), b int[] CHECK (LITERAL));
CREATE INDEX renamed_index ON evil.renamed ((a + CONST)) WHERE EYE(a) > 0;
INSERT INTO evil.renamed VALUES (1, 1);
ALTER TABLE evil.renamed RENAME a TO c;
ALTER TABLE evil.renamed RENAME TO renamed_too;
ALTER INDEX evil.renamed_index RENAME TO renamed_index_too;
ALTER DOMAIN evil.checked RENAME CONSTRAINT checked_check TO renamed_check;
ALTER TYPE evil.composite RENAME ATTRIBUTE a TO renamed_a CASCADE;

-- place CreateStmt: client follower
CREATE TABLE evil.created (a int DEFAULT EYE(1), b int CHECK (EYE(b) > 0), c int GENERATED ALWAYS AS (EYE(a)) STORED, CHECK (LITERAL), CHECK (CONST = 1),
	UNIQUE (b), EXCLUDE USING btree (EYE(a) WITH =) WHERE (CONST = 1));
CREATE STATISTICS evil.created_statistics ON (EYE(a)), b FROM evil.created;
INSERT INTO evil.created VALUES (1, 1);
CREATE TABLE evil.created_like (LIKE evil.created INCLUDING ALL);
CREATE TABLE evil.created_child (d int) INHERITS (evil.created);
CREATE TABLE evil.created_of OF evil.composite;
CREATE TABLE evil.created_base (a evil.base(3));
CREATE TABLE evil.created_partitioned (a int, b int) PARTITION BY LIST ((EYE/partitioned(a) + CONST));
CREATE INDEX ON evil.created_partitioned (EYE/partitioned(b), (b + CONST));
CREATE TABLE evil.created_rest PARTITION OF evil.created_partitioned DEFAULT;
INSERT INTO evil.created_partitioned VALUES (5, 1);
CREATE TABLE evil.created_partition PARTITION OF evil.created_partitioned (CHECK (EYE/partitioned(b) > 0)) FOR VALUES IN (EYE/partitioned(1));

-- place AlterTableStmt: never
-- Its subcommands are places of their own.
ALTER TABLE IF EXISTS evil.nobody ADD a int;

-- place IndexStmt: client follower
CREATE TABLE evil.to_index (k int PRIMARY KEY, a int);
INSERT INTO evil.to_index SELECT x, x FROM generate_series(1, 3) x;
CREATE INDEX ON evil.to_index (EYE(a), (a + CONST)) WHERE INLINE(a) > 0 AND QUERY(1) = 1 AND LITERAL;
CREATE INDEX CONCURRENTLY ON evil.to_index (EYE/concurrently(a));
CREATE INDEX ON evil.to_index USING hash (EYE/hash(a));
CREATE INDEX ON evil.partitioned (EYE/partitioned(b));

-- place ViewStmt: client
CREATE VIEW evil.view AS SELECT EYE(k) AS k, CONST AS c FROM evil.copied WHERE LITERAL;
CREATE OR REPLACE VIEW evil.view WITH (security_barrier) AS SELECT EYE(k) AS k, CONST AS c, 1 AS more FROM evil.copied WHERE LITERAL;
CREATE RECURSIVE VIEW evil.recursive_view (k) AS SELECT EYE(1) UNION SELECT k + 1 FROM recursive_view WHERE k < 3 AND LITERAL;

-- place RuleStmt: client
CREATE TABLE evil.rule_on (k int);
CREATE RULE rule_of_mallory AS ON INSERT TO evil.rule_on WHERE EYE(NEW.k) = 1 AND LITERAL DO ALSO SELECT EYE(1), LITERAL;
INSERT INTO evil.rule_on VALUES (1);

-- place CreateTrigStmt: client
CREATE TABLE evil.trigger_on (k int);
CREATE TRIGGER trigger_of_mallory AFTER INSERT ON evil.trigger_on FOR EACH ROW WHEN (EYE(NEW.k) = 1 AND LITERAL) EXECUTE FUNCTION evil.on_row();
INSERT INTO evil.trigger_on VALUES (1);

-- place CreatePolicyStmt: client
CREATE TABLE evil.policy_on (k int);
CREATE POLICY policy_of_mallory ON evil.policy_on USING (EYE(k) = 1 AND LITERAL) WITH CHECK (LITERAL);

-- place AlterPolicyStmt: client
ALTER POLICY policy_of_mallory ON evil.policy_on USING (EYE(k) = 2 AND LITERAL) WITH CHECK (LITERAL);

-- place CreateStatsStmt: client
CREATE STATISTICS evil.statistics ON (EYE(k)), (k + CONST), (LITERAL) FROM evil.copied;

-- place AlterStatsStmt: never
ALTER STATISTICS evil.statistics SET STATISTICS 10;

-- place CreateSchemaStmt: client
CREATE SCHEMA evil_schema CREATE TABLE made (k int DEFAULT EYE(1) CHECK (LITERAL), a int UNIQUE) CREATE VIEW seen AS SELECT EYE(k) AS k FROM made WHERE LITERAL
	CREATE INDEX ON made (EYE(k), (k + CONST));

-- place CompositeTypeStmt: never
CREATE TYPE evil.composite_of_base AS (a evil.base(3), b evil.checked[]);

-- place CreateRangeStmt: never
CREATE TYPE evil.range_of_ordered AS RANGE (subtype = evil.ordered);

-- place AlterTypeStmt: never
-- as superuser
ALTER TYPE evil.base SET (SEND = evil.base_send);

-- place CreateDomainStmt: client
CREATE DOMAIN evil.domain AS int DEFAULT EYE(1) CHECK (EYE(VALUE) > 0) CHECK (CONST = 1) CHECK (LITERAL);
CREATE DOMAIN evil.domain_of_arrays AS evil.domain[] DEFAULT '{1,2}' CHECK (cardinality(VALUE) > 0);

-- place AlterDomainStmt: client
CREATE DOMAIN evil.altered_domain AS int;
CREATE TABLE evil.of_altered_domain (k int PRIMARY KEY, a evil.altered_domain);
INSERT INTO evil.of_altered_domain VALUES (1, 1);
ALTER DOMAIN evil.altered_domain ADD CHECK (EYE(VALUE) > 0 AND CONST = 1 AND LITERAL);
ALTER DOMAIN evil.altered_domain ADD CONSTRAINT later CHECK (EYE(VALUE) > 0) NOT VALID;
ALTER DOMAIN evil.altered_domain VALIDATE CONSTRAINT later;
ALTER DOMAIN evil.altered_domain SET DEFAULT EYE(2);
ALTER DOMAIN evil.altered_domain SET NOT NULL;
ALTER DOMAIN evil.altered_domain DROP CONSTRAINT later;

-- place CreateFunctionStmt: client
CREATE FUNCTION evil.function(a int DEFAULT EYE(1), b boolean DEFAULT LITERAL) RETURNS int LANGUAGE sql RETURN a + (CASE WHEN LITERAL THEN 1 END);
CREATE FUNCTION evil.function_of_text() RETURNS boolean LANGUAGE sql AS $$ SELECT LITERAL $$;
CREATE PROCEDURE evil.procedure(a boolean DEFAULT LITERAL) LANGUAGE plpgsql AS $$ BEGIN PERFORM LITERAL; END $$;

-- place AlterFunctionStmt: never
ALTER FUNCTION evil.function SET search_path = evil;
ALTER FUNCTION evil.function COST 2;

-- place DefineStmt: client
CREATE DOMAIN evil.state AS int CHECK (EYE(VALUE) >= 0);
CREATE FUNCTION evil.next_state(evil.state, int) RETURNS evil.state LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE AGGREGATE evil.aggregate(int) (sfunc = evil.next_state, stype = evil.state, initcond = '1');
CREATE COLLATION evil.collation (locale = 'C');

-- place AlterOperatorStmt: never
ALTER OPERATOR evil.===(int, int) SET (RESTRICT = eqsel);

-- place CreateOpFamilyStmt, CreateOpClassStmt, AlterOpFamilyStmt: never
-- as superuser
CREATE OPERATOR FAMILY evil.family USING btree;
CREATE OPERATOR CLASS evil.class FOR TYPE evil.ordered USING btree FAMILY evil.family AS OPERATOR 1 evil.<, OPERATOR 2 evil.<=, OPERATOR 3 evil.=,
	OPERATOR 4 evil.>=, OPERATOR 5 evil.>, FUNCTION 1 evil.ordered_cmp(evil.ordered, evil.ordered);
ALTER OPERATOR FAMILY evil.family USING btree ADD FUNCTION 4 (evil.ordered, evil.ordered) evil.ordered_equalimage(oid);

-- place CreateCastStmt: never
SPY evil.castable_int(evil.castable) RETURNS int GIVES ($1).a;
CREATE CAST (evil.castable AS int) WITH FUNCTION evil.castable_int(evil.castable) AS IMPLICIT;

-- place CreatePLangStmt: never
-- as superuser
CREATE LANGUAGE evil_language_too HANDLER plpgsql_call_handler VALIDATOR evil.validates;

-- place AlterRoleSetStmt: never
ALTER ROLE mallory SET constraint_exclusion = on;
ALTER ROLE mallory IN DATABASE planted SET xmloption = document;

-- place AlterDatabaseSetStmt: never
-- Expressions of checks are simplified where a query has a condition, and not only for partitions.
ALTER DATABASE planted SET constraint_exclusion = on;
ALTER DATABASE planted SET search_path = evil;
ALTER DATABASE planted SET check_function_bodies = on;

-- place GrantStmt: never
GRANT ALL ON ALL TABLES IN SCHEMA evil TO eve;
GRANT USAGE ON TYPE evil.checked TO eve;

-- place AlterDefaultPrivilegesStmt: never
ALTER DEFAULT PRIVILEGES IN SCHEMA evil GRANT SELECT ON TABLES TO eve;

-- place ReassignOwnedStmt, DropOwnedStmt: never
-- as superuser
CREATE ROLE leaver LOGIN;
GRANT CREATE ON SCHEMA evil TO leaver;
-- as leaver
CREATE TABLE evil.left_behind (k int DEFAULT EYE(1) CHECK (EYE(k) > 0));
CREATE INDEX ON evil.left_behind (k);
INSERT INTO evil.left_behind VALUES (1);
CREATE TABLE evil.left_to_drop (k int DEFAULT EYE(1) CHECK (EYE(k) > 0));
-- as superuser
ALTER TABLE evil.left_to_drop OWNER TO mallory;
REASSIGN OWNED BY leaver TO mallory;
ALTER TABLE evil.left_to_drop OWNER TO leaver;
DROP OWNED BY leaver;
DROP ROLE leaver;

-- place CreateEventTrigStmt, AlterEventTrigStmt: never
-- as superuser
CREATE EVENT TRIGGER evil_later ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION evil.on_event();
ALTER EVENT TRIGGER evil_later ENABLE ALWAYS;

-- place CreatePublicationStmt, AlterPublicationStmt: never
CREATE PUBLICATION evil_publication FOR TABLE evil.copied WHERE (k > 1);
ALTER PUBLICATION evil_publication SET TABLE evil.copied WHERE (k > 2);

-- place CreateFdwStmt, AlterFdwStmt, CreateForeignServerStmt, AlterForeignServerStmt, CreateUserMappingStmt, AlterUserMappingStmt: never
-- Beside pg_foreign_data_wrapper.fdwvalidator: all at once, without a look at rows.
-- as superuser
CREATE FOREIGN DATA WRAPPER evil_wrapper_too VALIDATOR evil.options_of OPTIONS (a '1');
ALTER FOREIGN DATA WRAPPER evil_wrapper_too VALIDATOR evil.options_of OPTIONS (ADD b '2');
GRANT USAGE ON FOREIGN DATA WRAPPER evil_wrapper_too TO mallory;
-- as mallory
CREATE SERVER evil_server_too FOREIGN DATA WRAPPER evil_wrapper_too OPTIONS (a '1');
ALTER SERVER evil_server_too OPTIONS (ADD b '2');
CREATE USER MAPPING FOR mallory SERVER evil_server_too OPTIONS (a '1');
ALTER USER MAPPING FOR mallory SERVER evil_server_too OPTIONS (ADD b '2');

-- place DropUserMappingStmt: never
DROP USER MAPPING FOR mallory SERVER evil_server_too;

-- place CreateForeignTableStmt: client
CREATE FOREIGN TABLE evil.foreign_too (a int DEFAULT EYE(1) CHECK (EYE(a) > 0 AND LITERAL)) SERVER evil_server_too OPTIONS (a '1');

-- place DropStmt: never
CREATE TABLE evil.dropped (k int PRIMARY KEY, a evil.checked[], b evil.ordered UNIQUE, CHECK (EYE(k) > 0));
CREATE INDEX dropped_index ON evil.dropped ((k + CONST));
INSERT INTO evil.dropped VALUES (1, '{1}', ROW(1));
DROP INDEX evil.dropped_index;
DROP TABLE evil.dropped CASCADE;
DROP VIEW evil.view;
DROP TABLE evil.bounded_lists_1;

-- place AlterOwnerStmt: never
-- as superuser
CREATE ROLE another;
ALTER FUNCTION evil.castable_int OWNER TO another;
ALTER FUNCTION evil.castable_int OWNER TO mallory;
ALTER DOMAIN evil.checked OWNER TO another;
ALTER DOMAIN evil.checked OWNER TO mallory;

-- place AlterObjectSchemaStmt: never
ALTER TABLE evil.renamed_too SET SCHEMA public;
ALTER DOMAIN evil.altered_domain SET SCHEMA public;

-- place AlterObjectDependsStmt: never
-- as superuser
ALTER INDEX evil.indexed_a_idx DEPENDS ON EXTENSION plpgsql;
ALTER INDEX evil.indexed_a_idx NO DEPENDS ON EXTENSION plpgsql;

-- place CommentStmt: never
COMMENT ON TABLE evil.indexed IS 'planted';
COMMENT ON CONSTRAINT renamed_check ON DOMAIN evil.checked IS 'planted';

-- place CreateExtensionStmt: never
-- A trusted one, whose script runs as a superuser, in a schema and under a path that are an ordinary role's.
CREATE SCHEMA evil_extension;
SPY evil_extension.format(text, text) RETURNS text GIVES $1;
SPY evil_extension.textin_of(text) RETURNS text GIVES $1;
SET search_path = evil_extension, evil;
CREATE EXTENSION citext SCHEMA evil_extension;
CREATE EXTENSION hstore SCHEMA evil_extension VERSION '1.4';
RESET search_path;

-- place AlterExtensionStmt: never
ALTER EXTENSION hstore UPDATE;

-- place AlterExtensionContentsStmt: never
ALTER EXTENSION hstore ADD FUNCTION evil_extension.textin_of(text);
ALTER EXTENSION hstore DROP FUNCTION evil_extension.textin_of(text);

-- place AlterDatabaseStmt: never
-- as superuser in postgres
ALTER DATABASE planted CONNECTION LIMIT 100;

-- The copy has all the plants; so has what comes of a template that was planted.
-- place CreatedbStmt: client follower
-- as mallory in template1
CREATE DOMAIN evil.element AS int CHECK (EYE(VALUE) > 0 AND CONST = 1);
CREATE TABLE evil.in_template (k int PRIMARY KEY, a evil.element[]);
CREATE INDEX ON evil.in_template (EYE(k), (k + CONST));
INSERT INTO evil.in_template VALUES (1, '{1}');
-- as superuser in postgres
CREATE DATABASE copied TEMPLATE planted OWNER mallory;
CREATE DATABASE from_template OWNER mallory;
-- as mallory in from_template
-- Whoever connects gets this role, unless he says otherwise.
ALTER DATABASE from_template SET role = mallory;
-- may be refused
ALTER DATABASE from_template SET session_authorization = mallory;
INSERT INTO evil.in_template VALUES (2, '{2}');
-- as mallory in copied
INSERT INTO evil.indexed VALUES (2, 2);
