SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass AND indexrelid::regclass::text <> 'bad' ORDER BY 1::text;
