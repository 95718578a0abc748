SELECT * FROM u; SELECT join_digits(k) FROM u;
