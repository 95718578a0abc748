INSERT INTO broker VALUES (1, 0, 0);
INSERT INTO customer_account VALUES (1, 1, 0), (2, 1, 0);
INSERT INTO holding_summary VALUES (1, 'BREW', 0), (2, 'BREW', 0);
INSERT INTO trade VALUES ('00000000-0000-0000-0000-000000000001', 1, 'SBMT', 0);

-- transaction: trade_order
INSERT INTO trade (t_ca_id, t_st_id, t_comm) VALUES (1, 'SBMT', 0);
-- transaction: trade_cancel
UPDATE trade SET t_st_id = 'CNCL' WHERE t_id = '00000000-0000-0000-0000-000000000001';
-- transaction: trade_result
WITH t AS (INSERT INTO trade (t_ca_id, t_st_id, t_comm) VALUES (1, 'CMPT', 3) RETURNING t_id),
    h AS (INSERT INTO holding SELECT t_id, 1, 'BREW', 10 FROM t)
    INSERT INTO cash_transaction SELECT t_id, 1, -55 FROM t;
UPDATE broker SET b_num_trades = b_num_trades + 1, b_comm_total = b_comm_total + 3 WHERE b_id = 1;
UPDATE holding_summary SET hs_qty = hs_qty + 10 WHERE hs_ca_id = 1 AND hs_s_symb = 'BREW';
UPDATE customer_account SET ca_bal = ca_bal - 55 WHERE ca_id = 1;
-- transaction: trade_result
WITH t AS (INSERT INTO trade (t_ca_id, t_st_id, t_comm) VALUES (1, 'CMPT', 4) RETURNING t_id),
    h AS (INSERT INTO holding SELECT t_id, 1, 'BREW', 7 FROM t)
    INSERT INTO cash_transaction SELECT t_id, 1, -20 FROM t;
UPDATE broker SET b_num_trades = b_num_trades + 1, b_comm_total = b_comm_total + 4 WHERE b_id = 1;
UPDATE holding_summary SET hs_qty = hs_qty + 7 WHERE hs_ca_id = 1 AND hs_s_symb = 'BREW';
UPDATE customer_account SET ca_bal = ca_bal - 20 WHERE ca_id = 1;
-- transaction: limit_order_result
UPDATE trade SET t_st_id = 'CMPT', t_comm = 5 WHERE t_id = '00000000-0000-0000-0000-000000000001';
UPDATE broker SET b_num_trades = b_num_trades + 1, b_comm_total = b_comm_total + 5 WHERE b_id = 1;
-- transaction: limit_order_result
UPDATE trade SET t_st_id = 'CMPT', t_comm = 6 WHERE t_id = '00000000-0000-0000-0000-000000000001';
UPDATE broker SET b_num_trades = b_num_trades + 1, b_comm_total = b_comm_total + 6 WHERE b_id = 1;
