SELECT * FROM c, d; SELECT to_regclass('vv'), to_regproc('f');
