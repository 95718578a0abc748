SELECT * FROM ddl_domain_check_volatile.u ORDER BY 1;
