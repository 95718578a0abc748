SELECT pg_replication_origin_create('case_origin'); SELECT pg_replication_origin_session_setup('case_origin'); SELECT pg_replication_origin_session_reset(); SELECT pg_replication_origin_drop('case_origin'); SELECT pg_create_logical_replication_slot('case_slot', 'pgoutput'); SELECT pg_drop_replication_slot('case_slot');
SELECT count(*) FROM pg_replication_origin WHERE roname = 'case_origin';
