SELECT * FROM a, b;
