SELECT * FROM base, copy, bare, typed;
