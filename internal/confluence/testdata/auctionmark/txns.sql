-- transaction: get_item
-- weight: 25
SELECT * FROM item WHERE i_id = :i_id;
COMMIT;

-- transaction: get_user_info
-- weight: 15
SELECT * FROM useracct WHERE u_id = :u_id;
SELECT * FROM item WHERE i_u_id = :u_id ORDER BY i_name LIMIT 25;
COMMIT;

-- transaction: new_user
-- weight: 5
INSERT INTO useracct (u_rating, u_balance, u_r_id) VALUES (0, 0, :r_id);
COMMIT;

-- transaction: new_item
-- weight: 10
INSERT INTO item (i_u_id, i_name) VALUES (:u_id, :name);
UPDATE useracct SET u_balance = u_balance - 1 WHERE u_id = :u_id;
COMMIT;

-- transaction: update_item
-- weight: 5
UPDATE item SET i_name = :name WHERE i_id = :i_id;
COMMIT;

-- transaction: new_bid
-- weight: 20
-- assume: bid > 0
INSERT INTO item_bid (ib_i_id, ib_buyer_id, ib_bid) VALUES (:i_id, :buyer, :bid);
UPDATE item SET i_num_bids = i_num_bids + 1, i_current_price = greatest(i_current_price, :bid) WHERE i_id = :i_id;
COMMIT;

-- transaction: new_comment
-- weight: 5
INSERT INTO item_comment (ic_i_id, ic_buyer_id, ic_question) VALUES (:i_id, :buyer, :question);
UPDATE item SET i_num_comments = i_num_comments + 1 WHERE i_id = :i_id;
UPDATE useracct SET u_comments = u_comments + 1 WHERE u_id = :seller;
COMMIT;

-- transaction: new_comment_response
-- weight: 3
UPDATE item_comment SET ic_response = :response WHERE ic_id = :ic_id;
COMMIT;

-- transaction: new_feedback
-- weight: 5
INSERT INTO useracct_feedback (uf_u_id, uf_i_id, uf_from_id, uf_rating) VALUES (:u_id, :i_id, :from, :rating);
UPDATE useracct SET u_rating = u_rating + :rating WHERE u_id = :u_id;
COMMIT;

-- transaction: new_purchase
-- weight: 5
INSERT INTO item_purchase (ip_ib_id, ip_i_id) VALUES (:ib_id, :i_id);
UPDATE item SET i_status = 3 WHERE i_id = :i_id;
UPDATE useracct SET u_balance = u_balance - :price WHERE u_id = :buyer;
UPDATE useracct SET u_balance = u_balance + :price WHERE u_id = :seller;
COMMIT;

-- transaction: close_auctions
-- weight: 2
UPDATE item SET i_status = 2 WHERE i_id = :i_id;
COMMIT;
