SELECT event, tag, what FROM ddl_event_trigger_rows.log ORDER BY n;
