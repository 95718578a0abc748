SELECT * FROM t; SELECT to_regclass('u') IS NULL AS gone;
