SELECT * FROM tr ORDER BY k; SELECT count(*) FROM pt; SELECT * FROM te ORDER BY 1; SELECT nextval('s') > 0;
