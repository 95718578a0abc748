CREATE EXTENSION no_such_extension; CREATE EXTENSION plpgsql CASCADE VERSION '0'; ALTER EXTENSION plpgsql UPDATE TO '0'; SELECT count(*) FROM pg_extension WHERE extname = 'no_such_extension';
