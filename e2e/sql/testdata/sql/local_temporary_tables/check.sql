SELECT * FROM kept;
