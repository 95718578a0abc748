CREATE SUBSCRIPTION case_sub CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false); ALTER SUBSCRIPTION case_sub DISABLE; DROP SUBSCRIPTION IF EXISTS case_sub;
SELECT count(*) FROM pg_subscription;
