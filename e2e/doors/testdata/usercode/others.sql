-- What no catalog and no list of statements names.

-- A function of an index finds another by the path of whoever writes the row, which is not the owner of the table.
-- place path of the writer: client
-- as superuser
CREATE SCHEMA eve AUTHORIZATION eve;
-- as mallory
CREATE SCHEMA trusted;
CREATE FUNCTION trusted.helper(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
SPY/owner evil.calls_a_helper(int) RETURNS int GIVES helper($1);
GRANT USAGE ON SCHEMA trusted TO PUBLIC;
SET search_path = trusted;
CREATE TABLE evil.open_to_eve (k int PRIMARY KEY);
CREATE INDEX ON evil.open_to_eve (evil.calls_a_helper(k));
GRANT INSERT, SELECT ON evil.open_to_eve TO eve;
RESET search_path;
-- as eve
GRANT USAGE ON SCHEMA eve TO PUBLIC;
CREATE FUNCTION eve.helper(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.watch('path of the writer', 'eve'); RETURN a; END $$;
SELECT eve.helper(1);
SET search_path = eve;
-- may be refused
INSERT INTO evil.open_to_eve VALUES (1);

-- place large rows: client follower
CREATE DOMAIN evil.large_element AS text CHECK (EYE(VALUE) <> '');
CREATE TABLE evil.large (k int PRIMARY KEY, a text, b evil.large_element[]);
CREATE INDEX ON evil.large (length(EYE(a)), (k + CONST));
INSERT INTO evil.large SELECT x, (SELECT string_agg(md5((x * y)::text), '') FROM generate_series(1, 40000) y), ARRAY[repeat('x', 2000000)] FROM generate_series(1, 4) x;
UPDATE evil.large SET k = k + 10;

-- What is unlogged is emptied where a server begins to follow.
-- place unlogged tables: client
CREATE UNLOGGED TABLE evil.unlogged (k int PRIMARY KEY, a int, c evil.ordered UNIQUE);
CREATE INDEX ON evil.unlogged (EYE(a), (a + CONST)) WHERE CONST = 1;
INSERT INTO evil.unlogged VALUES (1, 1, ROW(1));

-- This one is changed behind everybody's back on one node (behind.c), and compared: it may not hide that.
-- place compared rows: client
CREATE TABLE public.spoiled (k int PRIMARY KEY, v int, CHECK (CONST/check = 1), CHECK (v > 0 AND INLINE/check(1) = 1));
SPY/cast evil.text_of(public.spoiled) RETURNS text GIVES 'always the same';
CREATE CAST (public.spoiled AS text) WITH FUNCTION evil.text_of(public.spoiled) AS IMPLICIT;
CREATE INDEX ON public.spoiled ((v + CONST/index)) WHERE QUERY/index(1) = 1;
CREATE STATISTICS evil.of_spoiled ON (v + CONST/statistics), (k + INLINE/statistics(1)) FROM public.spoiled;
INSERT INTO public.spoiled SELECT x, x FROM generate_series(41, 45) x;
SELECT (r.*)::text FROM public.spoiled r WHERE v = 1;

-- place rows of a transaction: client follower
CREATE TABLE evil.transacted (k int PRIMARY KEY, a evil.checked_element[], b int DEFAULT EYE(1));
CREATE INDEX ON evil.transacted (EYE(k));
BEGIN;
INSERT INTO evil.transacted VALUES (1, '{1}'), (2, '{2}');
ALTER TABLE evil.transacted ADD c int DEFAULT CONST;
SAVEPOINT s;
DELETE FROM evil.transacted;
ROLLBACK TO s;
UPDATE evil.transacted SET k = 3 WHERE k = 2;
CREATE INDEX ON evil.transacted ((c + CONST));
COMMIT;

-- Whoever runs it trusts what he names; the other nodes check no domain when they repeat it.
-- place statement of a superuser: client
CREATE FUNCTION evil.of_a_superuser(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.watch('statement of a superuser', 'postgres'); RETURN true; END $$;
CREATE DOMAIN evil.of_a_superuser AS int CHECK (evil.of_a_superuser(VALUE));
-- as superuser
CREATE VIEW evil.view_of_a_superuser AS SELECT '{1}'::evil.of_a_superuser[] AS a;

-- While nodes are compared, this view takes the place of the table.
-- place compared while it changes: client
SPY evil.swapped(int) RETURNS int GIVES $1;
CREATE TABLE public.aaa_held (k int PRIMARY KEY);
CREATE TABLE public.swapped (k int PRIMARY KEY);
INSERT INTO public.swapped VALUES (1);
CREATE VIEW evil.instead AS SELECT evil.swapped(1) AS k;
SELECT * FROM evil.instead;
