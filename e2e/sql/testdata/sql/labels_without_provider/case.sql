CREATE TABLE t (k int PRIMARY KEY); SECURITY LABEL ON TABLE t IS 'secret'; SECURITY LABEL FOR nobody ON TABLE t IS 'secret'; SECURITY LABEL ON INDEX t_pkey IS 'secret';
SELECT count(*) FROM pg_seclabels;
