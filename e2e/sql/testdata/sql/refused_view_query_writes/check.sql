SELECT * FROM t; SELECT to_regclass('m'), to_regclass('n');
