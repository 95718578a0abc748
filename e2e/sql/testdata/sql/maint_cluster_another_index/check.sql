SELECT indexrelid::regclass, indisclustered FROM pg_index WHERE indrelid = 'maint_cluster_another_index.t'::regclass ORDER BY 1;
