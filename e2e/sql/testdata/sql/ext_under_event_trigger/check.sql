SELECT tag, what FROM ext_under_event_trigger.log ORDER BY n;
