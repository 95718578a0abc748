INSERT INTO airline VALUES (1, 'Jane Air');
INSERT INTO customer VALUES (1, 'c1', 0), (2, 'c2', 0);
INSERT INTO frequent_flyer VALUES (1, 1);
INSERT INTO flight VALUES (1, 1, '2026-01-01', 10, 9), (2, 1, '2026-01-01', 10, 10);
INSERT INTO reservation VALUES ('00000000-0000-0000-0000-000000000001', 1, 1, 5, 99);

-- transaction: new_reservation
INSERT INTO reservation (r_c_id, r_f_id, r_seat, r_price) VALUES (1, 1, 6, 80);
UPDATE flight SET f_seats_left = f_seats_left - 1 WHERE f_id = 1;
UPDATE customer SET c_iattr10 = c_iattr10 + 1 WHERE c_id = 1;
-- transaction: new_reservation
INSERT INTO reservation (r_c_id, r_f_id, r_seat, r_price) VALUES (2, 1, 7, 80);
UPDATE flight SET f_seats_left = f_seats_left - 1 WHERE f_id = 1;
-- transaction: update_customer
UPDATE customer SET c_iattr10 = 7 WHERE c_id = 1;
-- transaction: update_reservation
UPDATE reservation SET r_seat = 7 WHERE r_id = '00000000-0000-0000-0000-000000000001' AND r_c_id = 1 AND r_f_id = 1;
-- transaction: delete_reservation
DELETE FROM reservation WHERE r_id = '00000000-0000-0000-0000-000000000001' AND r_c_id = 1 AND r_f_id = 1;
UPDATE flight SET f_seats_left = f_seats_left + 1 WHERE f_id = 1;
UPDATE customer SET c_balance = c_balance + 50 WHERE c_id = 1;
