SELECT * FROM ddl_temporary_and_permanent.kept; SELECT ddl_temporary_and_permanent.f(3);
