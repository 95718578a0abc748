SELECT srvname, srvversion, srvoptions FROM pg_foreign_server WHERE srvname LIKE 'case_srv'; SELECT srvname, usename, umoptions FROM pg_user_mappings WHERE srvname = 'case_srv' ORDER BY usename;
SELECT ftrelid::regclass, ftoptions FROM pg_foreign_table WHERE ftrelid = 'f'::regclass; SELECT attname, attfdwoptions FROM pg_attribute WHERE attrelid = 'f'::regclass AND attnum > 0 ORDER BY attnum;
