SELECT to_regclass('r');
