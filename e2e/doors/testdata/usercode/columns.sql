-- Every column of the catalog that refers to pg_proc, and every one that holds an expression (pg_node_tree).
--
-- A function that takes or gives internal, cstring or a handler is none that an ordinary role can have made: it must be in C or
-- internal (CREATE FUNCTION: "SQL functions cannot have arguments of type internal", "PL/pgSQL functions cannot accept type cstring"; the
-- validators refuse pseudo-types whatever check_function_bodies says), and only superusers may use these two languages. Replacing such
-- a function by another body is refused alike.

-- place pg_aggregate.aggserialfn, pg_aggregate.aggdeserialfn
-- no plant: only an aggregate whose state is internal has them (CREATE AGGREGATE), and they take or give internal.

-- place pg_am.amhandler
-- no plant: it gives index_am_handler or table_am_handler and takes internal; only superusers make access methods, and Barista refuses them.

-- place pg_conversion.conproc
-- no plant: it takes cstring and internal.

-- place pg_foreign_data_wrapper.fdwhandler
-- no plant: it gives fdw_handler.

-- place pg_language.lanplcallfoid, pg_language.laninline
-- no plant: the one gives language_handler, the other takes internal.

-- place pg_operator.oprrest, pg_operator.oprjoin
-- no plant: they take internal.

-- place pg_proc.prosupport
-- no plant: it takes and gives internal, and only superusers may name one.

-- place pg_publication_rel.prqual
-- no plant: users' functions, operators and types are refused in it (check_simple_rowfilter_expr).

-- place pg_transform.trffromsql, pg_transform.trftosql
-- no plant: they take internal.

-- place pg_ts_parser.prsstart, pg_ts_parser.prstoken, pg_ts_parser.prsend, pg_ts_parser.prsheadline, pg_ts_parser.prslextype
-- no plant: they take internal.

-- place pg_ts_template.tmplinit, pg_ts_template.tmpllexize
-- no plant: they take internal.

-- place pg_type.typinput, pg_type.typoutput, pg_type.typreceive, pg_type.typmodout
-- no plant: they take or give cstring, and typreceive internal.

-- place pg_type.typanalyze, pg_type.typsubscript
-- no plant: they take internal.

-- place pg_aggregate.aggtransfn: client follower
SPY evil.agg_trans(int, int) RETURNS int GIVES coalesce($1, 0) + coalesce($2, 0);

-- place pg_aggregate.aggfinalfn: client follower
SPY evil.agg_final(int) RETURNS int GIVES $1;

-- place pg_aggregate.aggcombinefn: client
SPY evil.agg_combine(int, int) RETURNS int GIVES coalesce($1, 0) + coalesce($2, 0);

-- place pg_aggregate.aggmtransfn: client follower
SPY evil.agg_mtrans(int, int) RETURNS int GIVES coalesce($1, 0) + coalesce($2, 0);

-- place pg_aggregate.aggminvtransfn: client follower
SPY evil.agg_minvtrans(int, int) RETURNS int GIVES coalesce($1, 0) - coalesce($2, 0);

-- place pg_aggregate.aggmfinalfn: client follower
SPY evil.agg_mfinal(int) RETURNS int GIVES $1;

-- The aggregate of all these, in a function of an index, and over partitions one by one, which combines.
-- place pg_aggregate.aggfnoid: client follower
CREATE AGGREGATE evil.total(int) (sfunc = evil.agg_trans, stype = int, initcond = '0', finalfunc = evil.agg_final, combinefunc = evil.agg_combine,
	msfunc = evil.agg_mtrans, minvfunc = evil.agg_minvtrans, mstype = int, minitcond = '0', mfinalfunc = evil.agg_mfinal, parallel = safe);
SPY evil.totals(int) RETURNS int GIVES (SELECT evil.total(x) FROM generate_series(1, $1) x)
	+ (SELECT max(t) FROM (SELECT evil.total(x) OVER (ORDER BY x ROWS 1 PRECEDING) FROM generate_series(1, $1) x) AS w(t));
CREATE TABLE evil.aggregated (k int PRIMARY KEY, a int);
CREATE INDEX ON evil.aggregated (evil.totals(a));
INSERT INTO evil.aggregated VALUES (1, 3);
CREATE TABLE evil.summed (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE evil.summed_1 PARTITION OF evil.summed FOR VALUES FROM (0) TO (100);
CREATE TABLE evil.summed_2 PARTITION OF evil.summed FOR VALUES FROM (100) TO (200);
INSERT INTO evil.summed SELECT x, 1 FROM generate_series(95, 105) x;
SET enable_partitionwise_aggregate = on;
SELECT evil.total(b) FROM evil.summed;
RESET enable_partitionwise_aggregate;

-- place pg_operator.oprcode: client follower
SPY evil.same(int, int) RETURNS boolean GIVES $1 = $2;
CREATE OPERATOR evil.=== (leftarg = int, rightarg = int, function = evil.same);
CREATE TABLE evil.operated (k int PRIMARY KEY, a int);
CREATE INDEX ON evil.operated ((a OPERATOR(evil.===) k)) WHERE 1 OPERATOR(evil.===) 1;
INSERT INTO evil.operated VALUES (1, 1), (2, 3);
UPDATE evil.operated SET a = 2;

-- Users' operator classes; only a superuser makes them of the functions. An index may hold a page's lock when it compares.
-- place pg_amproc.amproc: client follower
CREATE TYPE evil.ordered AS (a int);
QUIET SPY evil.ordered_lt(evil.ordered, evil.ordered) RETURNS boolean GIVES ($1).a < ($2).a;
QUIET SPY evil.ordered_le(evil.ordered, evil.ordered) RETURNS boolean GIVES ($1).a <= ($2).a;
QUIET SPY evil.ordered_eq(evil.ordered, evil.ordered) RETURNS boolean GIVES ($1).a = ($2).a;
QUIET SPY evil.ordered_ge(evil.ordered, evil.ordered) RETURNS boolean GIVES ($1).a >= ($2).a;
QUIET SPY evil.ordered_gt(evil.ordered, evil.ordered) RETURNS boolean GIVES ($1).a > ($2).a;
CREATE OPERATOR evil.< (leftarg = evil.ordered, rightarg = evil.ordered, function = evil.ordered_lt);
CREATE OPERATOR evil.<= (leftarg = evil.ordered, rightarg = evil.ordered, function = evil.ordered_le);
CREATE OPERATOR evil.= (leftarg = evil.ordered, rightarg = evil.ordered, function = evil.ordered_eq, commutator = OPERATOR(evil.=), hashes, merges);
CREATE OPERATOR evil.>= (leftarg = evil.ordered, rightarg = evil.ordered, function = evil.ordered_ge);
CREATE OPERATOR evil.> (leftarg = evil.ordered, rightarg = evil.ordered, function = evil.ordered_gt);
QUIET SPY/btree evil.ordered_cmp(evil.ordered, evil.ordered) RETURNS int GIVES btint4cmp(($1).a, ($2).a);
SPY/equalimage evil.ordered_equalimage(oid) RETURNS boolean GIVES false;
SPY/hash evil.ordered_hash(evil.ordered) RETURNS int GIVES hashint4(($1).a);
SPY/hash evil.ordered_hash(evil.ordered, bigint) RETURNS bigint GIVES hashint4extended(($1).a, $2);
QUIET SPY/gin evil.gin_cmp(int, int) RETURNS int GIVES btint4cmp($1, $2);
-- as superuser
CREATE OPERATOR CLASS evil.ordered_ops DEFAULT FOR TYPE evil.ordered USING btree AS OPERATOR 1 evil.<, OPERATOR 2 evil.<=, OPERATOR 3 evil.=,
	OPERATOR 4 evil.>=, OPERATOR 5 evil.>, FUNCTION 1 evil.ordered_cmp(evil.ordered, evil.ordered), FUNCTION 4 evil.ordered_equalimage(oid);
CREATE OPERATOR CLASS evil.ordered_hash_ops DEFAULT FOR TYPE evil.ordered USING hash AS OPERATOR 1 evil.=,
	FUNCTION 1 evil.ordered_hash(evil.ordered), FUNCTION 2 evil.ordered_hash(evil.ordered, bigint);
CREATE OPERATOR CLASS evil.ordered_brin_ops FOR TYPE evil.ordered USING brin AS OPERATOR 1 evil.<, OPERATOR 2 evil.<=, OPERATOR 3 evil.=,
	OPERATOR 4 evil.>=, OPERATOR 5 evil.>, FUNCTION 1 brin_minmax_opcinfo(internal), FUNCTION 2 brin_minmax_add_value(internal, internal, internal, internal),
	FUNCTION 3 brin_minmax_consistent(internal, internal, internal), FUNCTION 4 brin_minmax_union(internal, internal, internal);
CREATE OPERATOR CLASS evil.gin_ops FOR TYPE int[] USING gin AS OPERATOR 1 && (anyarray, anyarray), FUNCTION 1 evil.gin_cmp(int, int),
	FUNCTION 2 ginarrayextract(anyarray, internal, internal), FUNCTION 3 ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
	FUNCTION 4 ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal), STORAGE int;
-- as mallory
CREATE TABLE evil.by_key (k evil.ordered PRIMARY KEY, v int[]);
CREATE INDEX ON evil.by_key USING hash (k);
CREATE INDEX ON evil.by_key USING brin (k evil.ordered_brin_ops);
CREATE INDEX ON evil.by_key USING gin (v evil.gin_ops) WITH (fastupdate = off);
INSERT INTO evil.by_key SELECT ROW(x)::evil.ordered, ARRAY[x, x + 1, x + 2] FROM generate_series(1, 5) x;
UPDATE evil.by_key SET v = v || 7 WHERE (k).a = 2;
UPDATE evil.by_key SET k = ROW(9)::evil.ordered WHERE (k).a = 3;
DELETE FROM evil.by_key WHERE (k).a = 1;
VACUUM evil.by_key;
CREATE TABLE evil.by_range (k evil.ordered, v int) PARTITION BY RANGE (k);
CREATE TABLE evil.by_range_1 PARTITION OF evil.by_range FOR VALUES FROM (ROW(1)::evil.ordered) TO (ROW(5)::evil.ordered);
CREATE TABLE evil.by_range_2 PARTITION OF evil.by_range FOR VALUES FROM (ROW(5)::evil.ordered) TO (ROW(9)::evil.ordered);
INSERT INTO evil.by_range SELECT ROW(x)::evil.ordered, x FROM generate_series(1, 8) x;
CREATE TABLE evil.by_hash (k evil.ordered, v int) PARTITION BY HASH (k);
CREATE TABLE evil.by_hash_1 PARTITION OF evil.by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE evil.by_hash_2 PARTITION OF evil.by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO evil.by_hash SELECT ROW(x)::evil.ordered, x FROM generate_series(1, 4) x;
TRUNCATE evil.by_range_2;
ALTER TABLE evil.by_range ADD w int DEFAULT 1;
ALTER TABLE evil.by_range ALTER w TYPE bigint;
ALTER TABLE evil.by_range DROP w;
-- The server's own classes for arrays, row types and ranges ask the class of what is in them.
CREATE TYPE evil.nested AS (o evil.ordered);
CREATE TYPE evil.ordered_range AS RANGE (subtype = evil.ordered);
CREATE TABLE evil.by_array (k evil.ordered[] PRIMARY KEY, v int);
CREATE TABLE evil.by_record (k evil.nested PRIMARY KEY, v int);
CREATE TABLE evil.by_interval (k evil.ordered_range PRIMARY KEY, m evil.ordered_multirange UNIQUE, v int, EXCLUDE USING gist (k WITH &&));
CREATE INDEX ON evil.by_array USING hash (k);
CREATE INDEX ON evil.by_array USING gin (k);
INSERT INTO evil.by_array SELECT ARRAY[ROW(x)::evil.ordered], x FROM generate_series(1, 3) x;
INSERT INTO evil.by_record SELECT ROW(ROW(x)::evil.ordered)::evil.nested, x FROM generate_series(1, 3) x;
INSERT INTO evil.by_interval SELECT r, evil.ordered_multirange(r), x
	FROM generate_series(1, 3) x, LATERAL (SELECT evil.ordered_range(ROW(x)::evil.ordered, ROW(x + 1)::evil.ordered)) AS r(r);
UPDATE evil.by_array SET v = 7 WHERE v = 2;
UPDATE evil.by_record SET v = 7 WHERE v = 2;
UPDATE evil.by_interval SET v = 7 WHERE v = 2;
DELETE FROM evil.by_array WHERE v = 3;
DELETE FROM evil.by_record WHERE v = 3;
DELETE FROM evil.by_interval WHERE v = 3;

-- The owner of a table may say how its rows become text, though not how its types' values do.
-- place pg_cast.castfunc: client
CREATE TABLE evil.cast_with_key (k int PRIMARY KEY, v text);
SPY evil.text_of(evil.cast_with_key) RETURNS text GIVES 'always the same';
CREATE CAST (evil.cast_with_key AS text) WITH FUNCTION evil.text_of(evil.cast_with_key) AS IMPLICIT;
INSERT INTO evil.cast_with_key VALUES (1, 'a'), (2, 'b');
SELECT (r.*)::text FROM evil.cast_with_key r;
CREATE TABLE evil.cast_without_key (v text);
SPY/sql evil.text_of(evil.cast_without_key) RETURNS text GIVES 'always the same';
CREATE CAST (evil.cast_without_key AS text) WITH FUNCTION evil.text_of(evil.cast_without_key);
INSERT INTO evil.cast_without_key VALUES ('a'), ('b');
DELETE FROM evil.cast_without_key WHERE v = 'a';
CREATE TYPE evil.castable AS (a int);
CREATE TABLE evil.cast_inside (k evil.castable, v evil.castable[]);
SPY/composite evil.text_of(evil.castable) RETURNS text GIVES 'always the same';
CREATE CAST (evil.castable AS text) WITH FUNCTION evil.text_of(evil.castable) AS IMPLICIT;
INSERT INTO evil.cast_inside VALUES (ROW(1)::evil.castable, ARRAY[ROW(1)::evil.castable]);
CREATE DOMAIN evil.cast_domain AS int;
CREATE TABLE evil.cast_domains (k evil.cast_domain PRIMARY KEY);
INSERT INTO evil.cast_domains VALUES (1);
CREATE TYPE evil.cast_enum AS ENUM ('a');
SPY/enum evil.text_of(evil.cast_enum) RETURNS text GIVES 'always the same';
CREATE CAST (evil.cast_enum AS text) WITH FUNCTION evil.text_of(evil.cast_enum) AS IMPLICIT;
CREATE TABLE evil.cast_enums (k evil.cast_enum PRIMARY KEY);
INSERT INTO evil.cast_enums VALUES ('a');
-- Casts of what the catalogs hold, which a superuser makes.
SPY/aclitem evil.text_of(aclitem) RETURNS text GIVES 'always the same';
SPY/regoperator evil.text_of(regoperator) RETURNS text GIVES 'always the same';
SPY/pg_policies evil.text_of(pg_policies) RETURNS text GIVES 'always the same';
SPY/numeric evil.text_of(numeric) RETURNS text GIVES trim(both from to_char($1, repeat('9', 40)));
-- as superuser
CREATE CAST (aclitem AS text) WITH FUNCTION evil.text_of(aclitem);
CREATE CAST (regoperator AS text) WITH FUNCTION evil.text_of(regoperator);
CREATE CAST (pg_policies AS text) WITH FUNCTION evil.text_of(pg_policies);
CREATE CAST (numeric AS text) WITH FUNCTION evil.text_of(numeric);

-- It fires where a schema change was asked for, alone.
-- place pg_event_trigger.evtfoid: client
SPY evil.on_event() RETURNS event_trigger;
-- as superuser
CREATE EVENT TRIGGER evil_start ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'DROP TABLE', 'ALTER TABLE', 'CREATE EXTENSION', 'ALTER EXTENSION') EXECUTE FUNCTION evil.on_event();
CREATE EVENT TRIGGER evil_end ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE EXTENSION', 'ALTER EXTENSION') EXECUTE FUNCTION evil.on_event();
CREATE EVENT TRIGGER evil_drop ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION evil.on_event();
CREATE EVENT TRIGGER evil_rewrite ON table_rewrite EXECUTE FUNCTION evil.on_event();
-- as mallory
CREATE TABLE evil.event (a int);
ALTER TABLE evil.event ALTER a TYPE bigint;
DROP TABLE evil.event;

-- place pg_foreign_data_wrapper.fdwvalidator: client
SPY evil.options_of(text[], oid) RETURNS void;
-- as superuser
CREATE FOREIGN DATA WRAPPER evil_wrapper VALIDATOR evil.options_of OPTIONS (a '1');
ALTER FOREIGN DATA WRAPPER evil_wrapper OPTIONS (SET a '2');
GRANT USAGE ON FOREIGN DATA WRAPPER evil_wrapper TO mallory;
-- as mallory
CREATE SERVER evil_server FOREIGN DATA WRAPPER evil_wrapper OPTIONS (a '1');
ALTER SERVER evil_server OPTIONS (SET a '2');
CREATE USER MAPPING FOR mallory SERVER evil_server OPTIONS (a '1');
ALTER USER MAPPING FOR mallory SERVER evil_server OPTIONS (SET a '2');
CREATE FOREIGN TABLE evil.foreign_table (a int OPTIONS (b '1')) SERVER evil_server OPTIONS (a '1');
ALTER FOREIGN TABLE evil.foreign_table OPTIONS (SET a '2'), ALTER a OPTIONS (SET b '2');

-- place pg_language.lanvalidator: client
SPY evil.validates(oid) RETURNS void;
-- as superuser
CREATE TRUSTED LANGUAGE evil_language HANDLER plpgsql_call_handler VALIDATOR evil.validates;
-- as mallory
CREATE FUNCTION evil.validated() RETURNS int LANGUAGE evil_language AS $$ BEGIN RETURN 1; END $$;

-- A shell type's function cannot be in a language of ordinary roles; once there is the type, its owner replaces it.
-- place pg_range.rngcanonical: client
-- as superuser
CREATE TYPE evil.span;
CREATE FUNCTION evil.canonical(evil.span) RETURNS evil.span LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
CREATE TYPE evil.span AS RANGE (subtype = int, canonical = evil.canonical);
ALTER TYPE evil.span OWNER TO mallory;
ALTER FUNCTION evil.canonical OWNER TO mallory;
-- as mallory
REPLACING SPY evil.canonical(evil.span) RETURNS evil.span GIVES $1;
CREATE TABLE evil.spans (k int PRIMARY KEY, s evil.span, m evil.span[]);
INSERT INTO evil.spans VALUES (1, '[1,2]', '{"[1,2]"}');
UPDATE evil.spans SET s = '[3,4]';
CREATE TABLE evil.spans_without_key (s evil.span);
INSERT INTO evil.spans_without_key VALUES ('[1,2]'), ('[2,3]');
DELETE FROM evil.spans_without_key WHERE lower(s) = 1;

-- place pg_range.rngsubdiff: client follower
QUIET SPY evil.distance(text, text) RETURNS float8 GIVES (ascii($1) - ascii($2))::float8;
CREATE TYPE evil.stretch AS RANGE (subtype = text, subtype_diff = evil.distance);
CREATE TABLE evil.stretches (k int PRIMARY KEY, s evil.stretch);
CREATE INDEX ON evil.stretches USING gist (s);
INSERT INTO evil.stretches SELECT x, evil.stretch(chr(97 + x % 26) || string_agg(md5((x * y)::text), ''), chr(98 + x % 26) || string_agg(md5((-x * y)::text), ''))
	FROM generate_series(0, 60) x, generate_series(1, 12) y GROUP BY x;
DELETE FROM evil.stretches WHERE k < 3;

-- place pg_trigger.tgfoid: client
SPY evil.on_row() RETURNS trigger GIVES coalesce(NEW, OLD);
SPY evil.on_statement() RETURNS trigger GIVES NULL;
CREATE TABLE evil.triggered (k int PRIMARY KEY, v int);
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON evil.triggered FOR EACH ROW EXECUTE FUNCTION evil.on_row();
CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON evil.triggered FOR EACH ROW EXECUTE FUNCTION evil.on_row();
CREATE TRIGGER after_statement AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON evil.triggered EXECUTE FUNCTION evil.on_statement();
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON evil.triggered DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION evil.on_row();
ALTER TABLE evil.triggered ENABLE ALWAYS TRIGGER before_row, ENABLE ALWAYS TRIGGER after_row, ENABLE ALWAYS TRIGGER after_statement, ENABLE ALWAYS TRIGGER at_commit;
INSERT INTO evil.triggered VALUES (1, 1), (2, 2);
UPDATE evil.triggered SET v = 3;
DELETE FROM evil.triggered WHERE k = 1;
TRUNCATE evil.triggered;
INSERT INTO evil.triggered VALUES (3, 3);

-- Base types are superusers' alone, but these two of their functions may be an ordinary role's.
-- place pg_type.typmodin: client follower
SPY evil.base_modifier(cstring[]) RETURNS int GIVES 7;

-- place pg_type.typsend: client
-- as superuser
CREATE TYPE evil.base;
CREATE FUNCTION evil.base_in(cstring) RETURNS evil.base LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION evil.base_out(evil.base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE FUNCTION evil.base_send(evil.base) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'textsend';
CREATE TYPE evil.base (input = evil.base_in, output = evil.base_out, send = evil.base_send, typmod_in = evil.base_modifier, storage = extended);
ALTER FUNCTION evil.base_send OWNER TO mallory;
-- as mallory
REPLACING SPY evil.base_send(evil.base) RETURNS bytea GIVES '\x61';
CREATE TABLE evil.based (k int PRIMARY KEY, v evil.base(7), w evil.base[]);
INSERT INTO evil.based VALUES (1, 'a', '{a,b}');
UPDATE evil.based SET v = 'b';
CREATE TABLE evil.based_without_key (v evil.base, w evil.base[]);
INSERT INTO evil.based_without_key VALUES ('a', '{a,b}'), ('b', NULL);
DELETE FROM evil.based_without_key WHERE w IS NULL;
DO $$ DECLARE b bytea; BEGIN b := evil.base_send('a'::evil.base); END $$;

-- place pg_attrdef.adbin: client
CREATE TABLE evil.defaulted (k int PRIMARY KEY, a int DEFAULT EYE(1), g int GENERATED ALWAYS AS (EYE/generated(k)) STORED, h int GENERATED ALWAYS AS (CONST/generated + k) STORED);
INSERT INTO evil.defaulted VALUES (1), (2);
UPDATE evil.defaulted SET k = 3 WHERE k = 2;
DELETE FROM evil.defaulted WHERE k = 1;

-- place pg_class.relpartbound: client
CREATE DOMAIN evil.bound AS int CHECK (EYE/domain(VALUE) >= 0);
CREATE TABLE evil.bounded (a int) PARTITION BY RANGE (a);
CREATE TABLE evil.bounded_1 PARTITION OF evil.bounded FOR VALUES FROM (EYE(0)) TO (CONST + 9);
INSERT INTO evil.bounded VALUES (1);
CREATE TABLE evil.bounded_lists (a evil.bound[]) PARTITION BY LIST (a);
CREATE TABLE evil.bounded_lists_1 PARTITION OF evil.bounded_lists FOR VALUES IN ('{1}', '{2}');
INSERT INTO evil.bounded_lists VALUES ('{1}');

-- place pg_constraint.conbin: client
CREATE DOMAIN evil.checked AS int CHECK (EYE/domain(VALUE) >= 0) CHECK (CONST/domain = 1);
CREATE DOMAIN evil.checked_element AS int CHECK (EYE/array(VALUE) >= 0) CHECK (CONST/array = 1);
CREATE DOMAIN evil.checked_attribute AS int CHECK (EYE/composite(VALUE) >= 0) CHECK (CONST/composite = 1) CHECK (INLINE/composite(1) = 1) CHECK (QUERY/composite(1) = 1);
CREATE DOMAIN evil.checked_bound AS int CHECK (EYE/range(VALUE) >= 0) CHECK (CONST/range = 1);
CREATE TYPE evil.composite AS (a evil.checked_attribute);
CREATE DOMAIN evil.checked_composite AS evil.composite CHECK (EYE/domain_over_composite((VALUE).a) >= 0) CHECK (CONST/domain_over_composite = 1);
CREATE TYPE evil.checked_range AS RANGE (subtype = evil.checked_bound);
CREATE TABLE evil.constrained (k int PRIMARY KEY, a int CHECK (EYE(a) >= 0), b evil.checked, c evil.checked_element[], d evil.composite, e evil.composite[],
	f evil.checked_composite, g evil.checked_composite[], h evil.checked_range, i evil.checked_range[], j evil.checked_multirange, CHECK (CONST = 1));
INSERT INTO evil.constrained SELECT x, 1, 1, '{1,2}', ROW(1)::evil.composite, ARRAY[ROW(1)::evil.composite], ROW(1)::evil.checked_composite, ARRAY[ROW(1)::evil.checked_composite], '[1,2)', '{"[1,2)"}', '{[1,2)}'
	FROM generate_series(1, 3) x;
UPDATE evil.constrained SET c = '{3}', d = ROW(3) WHERE k = 1;
DELETE FROM evil.constrained WHERE k = 2;
CREATE TABLE evil.constrained_without_key (a int CHECK (EYE(a) >= 0), b evil.checked, c evil.checked_element[], d evil.composite, e evil.checked_composite, f evil.checked_range);
INSERT INTO evil.constrained_without_key SELECT x, 1, '{1,2}', ROW(1)::evil.composite, ROW(1)::evil.checked_composite, '[1,2)' FROM generate_series(1, 3) x;
UPDATE evil.constrained_without_key SET c = '{3}' WHERE a = 1;
DELETE FROM evil.constrained_without_key WHERE a = 2;
SELECT FROM evil.constrained WHERE k = 1;

-- place pg_index.indexprs: client follower
CREATE DOMAIN evil.indexed_as AS int CHECK (EYE/domain(VALUE) >= 0) CHECK (CONST/domain = 1);
CREATE TABLE evil.indexed (k int PRIMARY KEY, a int);
CREATE INDEX ON evil.indexed (EYE(a));
CREATE INDEX ON evil.indexed (INLINE(a));
CREATE INDEX ON evil.indexed (QUERY(a));
CREATE INDEX ON evil.indexed ((a + CONST));
CREATE INDEX ON evil.indexed ((a + INLINE/constant(1)));
CREATE INDEX ON evil.indexed ((a + QUERY/constant(1)));
CREATE INDEX ON evil.indexed ((a::evil.indexed_as));
CREATE UNIQUE INDEX ON evil.indexed (EYE/unique(k));
CREATE INDEX ON evil.indexed USING gist (int4range(k, k + EYE/gist(1)));
CREATE INDEX ON evil.indexed USING brin (EYE/brin(a));
INSERT INTO evil.indexed SELECT x, x FROM generate_series(1, 5) x;
UPDATE evil.indexed SET a = 7 WHERE k = 2;
UPDATE evil.indexed SET k = 9 WHERE k = 3;
DELETE FROM evil.indexed WHERE k = 4;
TRUNCATE evil.indexed;
INSERT INTO evil.indexed VALUES (1, 1);
VACUUM ANALYZE evil.indexed;
CREATE TABLE evil.indexed_without_key (a int);
CREATE INDEX ON evil.indexed_without_key (EYE(a), (a + CONST));
INSERT INTO evil.indexed_without_key VALUES (1), (2);
UPDATE evil.indexed_without_key SET a = 3 WHERE a = 1;
DELETE FROM evil.indexed_without_key WHERE a = 2;

-- place pg_index.indpred: client follower
CREATE TABLE evil.partial (k int PRIMARY KEY, a int);
CREATE INDEX ON evil.partial (a) WHERE EYE(a) > 0;
CREATE INDEX ON evil.partial (a) WHERE INLINE(a) > 0;
CREATE INDEX ON evil.partial (a) WHERE QUERY(a) > 0;
CREATE INDEX ON evil.partial (a) WHERE CONST = 1;
CREATE INDEX ON evil.partial (a) WHERE INLINE/constant(1) = 1;
CREATE INDEX ON evil.partial (a) WHERE QUERY/constant(1) = 1;
INSERT INTO evil.partial SELECT x, x FROM generate_series(1, 5) x;
UPDATE evil.partial SET a = 7 WHERE k = 2;
DELETE FROM evil.partial WHERE k = 4;
TRUNCATE evil.partial;
INSERT INTO evil.partial VALUES (1, 1);
VACUUM evil.partial;

-- place pg_partitioned_table.partexprs: client follower
CREATE TABLE evil.partitioned (a int, b int) PARTITION BY RANGE ((EYE(a) + CONST));
CREATE TABLE evil.partitioned_1 PARTITION OF evil.partitioned FOR VALUES FROM (0) TO (10);
CREATE TABLE evil.partitioned_2 (a int, b int);
INSERT INTO evil.partitioned_2 VALUES (12, 1);
ALTER TABLE evil.partitioned ATTACH PARTITION evil.partitioned_2 FOR VALUES FROM (10) TO (20);
CREATE TABLE evil.partitioned_rest PARTITION OF evil.partitioned DEFAULT;
INSERT INTO evil.partitioned VALUES (1, 1), (11, 1), (50, 1);
UPDATE evil.partitioned SET a = 2 WHERE a = 11;
CREATE TABLE evil.partitioned_3 PARTITION OF evil.partitioned FOR VALUES FROM (30) TO (40);
ALTER TABLE evil.partitioned ADD c int;
ALTER TABLE evil.partitioned ALTER c TYPE bigint;
ALTER TABLE evil.partitioned DROP c;
TRUNCATE evil.partitioned_3;

-- place pg_policy.polqual: client
CREATE TABLE evil.policed (k int PRIMARY KEY, a int);
ALTER TABLE evil.policed ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
INSERT INTO evil.policed SELECT 0, 0 WHERE false;
CREATE POLICY reads ON evil.policed USING (EYE(a) > 0 AND CONST = 1 AND LITERAL);

-- place pg_policy.polwithcheck: client
CREATE POLICY writes ON evil.policed FOR INSERT WITH CHECK (EYE(a) > 0 AND CONST = 1 AND LITERAL);
INSERT INTO evil.policed VALUES (1, 1), (2, 2);
UPDATE evil.policed SET a = 3;
SELECT * FROM evil.policed;

-- place pg_proc.proargdefaults: client follower
CREATE FUNCTION evil.by_default(a int DEFAULT EYE(1)) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a $$;
CREATE TABLE evil.argued (k int PRIMARY KEY);
CREATE INDEX ON evil.argued ((k + evil.by_default()));
INSERT INTO evil.argued VALUES (1);

-- place pg_proc.prosqlbody: client follower
CREATE FUNCTION evil.in_sql(a int) RETURNS int LANGUAGE sql IMMUTABLE RETURN EYE(a);
CREATE FUNCTION evil.in_sql_block(a int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC; SELECT EYE/block(a) LIMIT 1; END;
CREATE TABLE evil.bodied (k int PRIMARY KEY);
CREATE INDEX ON evil.bodied (evil.in_sql(k), (k + evil.in_sql(1)), evil.in_sql_block(k));
INSERT INTO evil.bodied VALUES (1);

-- place pg_rewrite.ev_qual: client
CREATE TABLE evil.ruled (k int PRIMARY KEY, a int);
CREATE TABLE evil.ruled_too (k int, a int);
CREATE RULE qualified AS ON INSERT TO evil.ruled WHERE EYE(NEW.k) > 0 AND CONST = 1 AND LITERAL DO ALSO INSERT INTO evil.ruled_too VALUES (NEW.k, NEW.a);
INSERT INTO evil.ruled VALUES (1, 1);

-- place pg_rewrite.ev_action: client
CREATE RULE acts AS ON UPDATE TO evil.ruled DO ALSO INSERT INTO evil.ruled_too VALUES (EYE(NEW.k), CONST);
UPDATE evil.ruled SET a = 2;
CREATE VIEW evil.viewed AS SELECT EYE/view(k) AS k, CONST/view AS c FROM evil.ruled WHERE LITERAL/view;
SELECT * FROM evil.viewed;

-- place pg_statistic_ext.stxexprs: client
CREATE TABLE evil.estimated (k int PRIMARY KEY, a int);
CREATE STATISTICS evil.estimates ON (EYE(a)), (a + CONST), (a + INLINE/constant(1)) FROM evil.estimated;
INSERT INTO evil.estimated SELECT x, x FROM generate_series(1, 5) x;
ANALYZE evil.estimated;
SELECT FROM evil.estimated WHERE a = 1;

-- place pg_trigger.tgqual: client
CREATE TABLE evil.conditional (k int PRIMARY KEY, a int);
CREATE TRIGGER conditional AFTER INSERT OR UPDATE ON evil.conditional FOR EACH ROW WHEN (EYE(NEW.k) > 0 AND CONST = 1 AND LITERAL) EXECUTE FUNCTION evil.on_row();
ALTER TABLE evil.conditional ENABLE ALWAYS TRIGGER conditional;
INSERT INTO evil.conditional VALUES (1, 1);
UPDATE evil.conditional SET a = 2;

-- place pg_type.typdefaultbin: client
CREATE DOMAIN evil.default_domain AS int DEFAULT EYE(1);
CREATE TABLE evil.default_of_type (k int PRIMARY KEY, a evil.default_domain);
INSERT INTO evil.default_of_type VALUES (1);
ALTER TABLE evil.default_of_type ADD b evil.default_domain;
