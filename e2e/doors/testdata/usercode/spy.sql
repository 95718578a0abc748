-- The spy, for each database that is planted.

GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE UNLOGGED TABLE evil.written (place text);
CREATE UNLOGGED SEQUENCE evil.counted;
GRANT ALL ON evil.written, evil.counted TO PUBLIC;

-- Writes one line to the server's log: whose function runs where, under which rights, and what it could do with them.
CREATE FUNCTION evil.report(place text, owner text, began name, restricted boolean, became text[], wrote text[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RAISE LOG 'spy %', pg_catalog.json_build_object(
		'place', place, 'owner', owner, 'user', began, 'session', session_user,
		'is_superuser', pg_catalog.current_setting('is_superuser'), 'restricted', restricted, 'became', became, 'wrote', wrote,
		'path', pg_catalog.current_setting('search_path'),
		'others_may_create_in', ARRAY(SELECT s FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) s
			WHERE pg_catalog.has_schema_privilege(CASE owner WHEN 'eve' THEN 'mallory' ELSE 'eve' END, s, 'CREATE')));
END $$;

-- The spy. It takes everything back but its line in the log.
CREATE FUNCTION evil.watch(place text, owner text DEFAULT 'mallory') RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	began name := current_user;
	restricted boolean := false;
	became text[] := '{}';
	wrote text[] := '{}';
BEGIN
	BEGIN
		LISTEN evil; -- one of the things that a security-restricted operation refuses
		RAISE EXCEPTION 'taken back';
	EXCEPTION
		WHEN insufficient_privilege THEN restricted := true;
		WHEN OTHERS THEN NULL;
	END;
	-- So are these. Elsewhere they are not tried: a role that is taken back by an error leaves the session's own.
	IF restricted THEN
		BEGIN
			RESET ROLE;
			became := pg_catalog.array_append(became, 'RESET ROLE: ' OPERATOR(pg_catalog.||) current_user);
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
		BEGIN
			SET ROLE postgres;
			became := pg_catalog.array_append(became, 'SET ROLE: ' OPERATOR(pg_catalog.||) current_user);
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
		BEGIN
			SET SESSION AUTHORIZATION postgres;
			became := pg_catalog.array_append(became, 'SET SESSION AUTHORIZATION: ' OPERATOR(pg_catalog.||) current_user);
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END IF;
	BEGIN
		PERFORM pg_catalog.setval('evil.counted', 4711);
		wrote := pg_catalog.array_append(wrote, 'setval()');
	EXCEPTION WHEN OTHERS THEN NULL;
	END;
	BEGIN
		INSERT INTO evil.written VALUES (place);
		wrote := pg_catalog.array_append(wrote, 'INSERT');
		RAISE EXCEPTION 'taken back';
	EXCEPTION WHEN OTHERS THEN NULL;
	END;
	PERFORM evil.report(place, owner, began, restricted, became, wrote);
END $$;

-- The same without any attempt, for where the server holds a page's lock: an error that is caught would give that lock back.
CREATE FUNCTION evil.glance(place text) RETURNS void LANGUAGE plpgsql VOLATILE AS
	$$ BEGIN PERFORM evil.report(place, 'mallory', current_user, NULL, '{}', '{}'); END $$;
