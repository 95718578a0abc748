SELECT * FROM sp_b.t; SELECT * FROM sp_a.v;
