SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'rp\_%' ORDER BY 1;
