INSERT INTO region VALUES (1, 'west');
INSERT INTO useracct VALUES ('00000000-0000-0000-0000-000000000001', 0, 100, 0, 1), ('00000000-0000-0000-0000-000000000002', 0, 100, 0, 1);
INSERT INTO item VALUES ('00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000001', 'lamp', 5, 1, 0);
INSERT INTO item_bid VALUES ('00000000-0000-0000-0000-000000000021', '00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000002', 5);

-- transaction: new_user
INSERT INTO useracct (u_rating, u_balance, u_r_id) VALUES (0, 0, 1);
-- transaction: new_item
INSERT INTO item (i_u_id, i_name) VALUES ('00000000-0000-0000-0000-000000000001', 'chair');
UPDATE useracct SET u_balance = u_balance - 1 WHERE u_id = '00000000-0000-0000-0000-000000000001';
-- transaction: update_item
UPDATE item SET i_name = 'fine lamp' WHERE i_id = '00000000-0000-0000-0000-000000000011';
-- transaction: new_bid
INSERT INTO item_bid (ib_i_id, ib_buyer_id, ib_bid) VALUES ('00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000002', 8);
UPDATE item SET i_num_bids = i_num_bids + 1, i_current_price = greatest(i_current_price, 8) WHERE i_id = '00000000-0000-0000-0000-000000000011';
-- transaction: new_bid
INSERT INTO item_bid (ib_i_id, ib_buyer_id, ib_bid) VALUES ('00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000002', 9);
UPDATE item SET i_num_bids = i_num_bids + 1, i_current_price = greatest(i_current_price, 9) WHERE i_id = '00000000-0000-0000-0000-000000000011';
-- transaction: new_comment
INSERT INTO item_comment (ic_i_id, ic_buyer_id, ic_question) VALUES ('00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000002', '?');
UPDATE item SET i_num_comments = i_num_comments + 1 WHERE i_id = '00000000-0000-0000-0000-000000000011';
-- transaction: new_purchase
INSERT INTO item_purchase (ip_ib_id, ip_i_id) VALUES ('00000000-0000-0000-0000-000000000021', '00000000-0000-0000-0000-000000000011');
UPDATE item SET i_status = 3 WHERE i_id = '00000000-0000-0000-0000-000000000011';
-- transaction: close_auctions
UPDATE item SET i_status = 2 WHERE i_id = '00000000-0000-0000-0000-000000000011';
