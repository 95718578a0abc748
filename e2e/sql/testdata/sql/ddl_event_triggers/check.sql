SELECT * FROM precious; SELECT to_regclass('cheap');
