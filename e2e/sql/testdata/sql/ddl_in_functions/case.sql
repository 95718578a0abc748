CREATE FUNCTION build(name text) RETURNS int LANGUAGE plpgsql AS $$ DECLARE n int; BEGIN EXECUTE format('CREATE TABLE %I (k serial PRIMARY KEY, v text)', name); EXECUTE format('INSERT INTO %I (v) VALUES (%L), (%L)', name, 'a', 'b'); EXECUTE format('ALTER TABLE %I ADD COLUMN w int DEFAULT 3', name); EXECUTE format('UPDATE %I SET w = k', name); EXECUTE format('SELECT count(*) FROM %I', name) INTO n; RETURN n; END $$;
SELECT build('one'), build('two');
DO $$ BEGIN CREATE TABLE three (k int); INSERT INTO three VALUES (1); BEGIN CREATE TABLE four (k int); RAISE 'x'; EXCEPTION WHEN OTHERS THEN INSERT INTO three VALUES (2); END; END $$;
CREATE FUNCTION plain() RETURNS void LANGUAGE sql AS $$ CREATE TABLE IF NOT EXISTS five (k int); INSERT INTO three VALUES (5); $$; SELECT plain(); SELECT plain();
SELECT * FROM one ORDER BY k; SELECT * FROM three ORDER BY k; SELECT to_regclass('four'), to_regclass('five');
