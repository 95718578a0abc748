SELECT * FROM one ORDER BY k; SELECT * FROM three ORDER BY k; SELECT to_regclass('four'), to_regclass('five');
