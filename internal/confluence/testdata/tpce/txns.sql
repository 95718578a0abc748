-- transaction: trade_status
SELECT * FROM trade WHERE t_ca_id = :ca_id;
COMMIT;

-- transaction: trade_order
INSERT INTO trade (t_ca_id, t_st_id, t_comm) VALUES (:ca_id, 'SBMT', 0);
COMMIT;

-- transaction: trade_cancel
UPDATE trade SET t_st_id = 'CNCL' WHERE t_id = :t_id;
COMMIT;

-- A market order that is bought and settled at once.
-- transaction: trade_result
INSERT INTO trade (t_ca_id, t_st_id, t_comm) VALUES (:ca_id, 'CMPT', :comm) RETURNING t_id \gset
UPDATE broker SET b_num_trades = b_num_trades + 1, b_comm_total = b_comm_total + :comm WHERE b_id = :b_id;
UPDATE holding_summary SET hs_qty = hs_qty + :qty WHERE hs_ca_id = :ca_id AND hs_s_symb = :symb;
INSERT INTO holding (h_t_id, h_ca_id, h_s_symb, h_qty) VALUES (:t_id, :ca_id, :symb, :qty);
UPDATE customer_account SET ca_bal = ca_bal - :amount WHERE ca_id = :ca_id;
INSERT INTO cash_transaction (ct_t_id, ct_ca_id, ct_amt) VALUES (:t_id, :ca_id, - :amount);
COMMIT;

-- A limit order, submitted before and completed now.
-- transaction: limit_order_result
UPDATE trade SET t_st_id = 'CMPT', t_comm = :comm WHERE t_id = :t_id;
UPDATE broker SET b_num_trades = b_num_trades + 1, b_comm_total = b_comm_total + :comm WHERE b_id = :b_id;
COMMIT;
