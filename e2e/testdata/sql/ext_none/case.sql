CREATE EXTENSION no_such_extension; CREATE EXTENSION earthdistance CASCADE VERSION '0'; SELECT count(*) FROM pg_extension WHERE extname = 'no_such_extension';
