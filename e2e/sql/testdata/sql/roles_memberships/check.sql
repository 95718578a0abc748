SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members WHERE roleid::regrole::text LIKE 'rm\_%' ORDER BY 1::text, 2::text;
