SELECT * FROM t ORDER BY k; SELECT polname, polpermissive FROM pg_policy WHERE polrelid = 't'::regclass ORDER BY 1;
