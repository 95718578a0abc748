CREATE ROLE rm_a; CREATE ROLE rm_b; CREATE ROLE rm_c IN ROLE rm_a;
GRANT rm_a TO rm_b WITH ADMIN OPTION; GRANT rm_b TO rm_a; REVOKE ADMIN OPTION FOR rm_a FROM rm_b; REVOKE rm_a FROM rm_c; GRANT rm_b, rm_a TO rm_c GRANTED BY postgres;
SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members WHERE roleid::regrole::text LIKE 'rm\_%' ORDER BY 1::text, 2::text;
