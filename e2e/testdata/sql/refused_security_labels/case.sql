CREATE TABLE t (k int); SECURITY LABEL ON TABLE t IS 'secret';
SELECT count(*) FROM pg_seclabels;
