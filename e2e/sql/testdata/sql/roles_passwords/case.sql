CREATE ROLE rp_a LOGIN PASSWORD 'secret'; SET password_encryption = 'md5'; CREATE ROLE rp_b LOGIN PASSWORD 'secret'; RESET password_encryption; CREATE ROLE rp_c PASSWORD NULL; CREATE ROLE rp_d PASSWORD 'SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$2MXTpNgJvPCkpuQZRlzCEMp5hPhXPpfVrQfSEEOYRCA=:2MXTpNgJvPCkpuQZRlzCEMp5hPhXPpfVrQfSEEOYRCA=';
ALTER ROLE rp_b PASSWORD 'other'; ALTER ROLE rp_d PASSWORD NULL;
SELECT rolname, left(rolpassword, 14) FROM pg_authid WHERE rolname LIKE 'rp\_%' ORDER BY 1;
