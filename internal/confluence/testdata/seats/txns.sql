-- transaction: find_flights
-- weight: 10
SELECT f_id, f_seats_left FROM flight WHERE f_depart_time BETWEEN :from AND :to;
COMMIT;

-- transaction: find_open_seats
-- weight: 35
SELECT r_seat FROM reservation WHERE r_f_id = :f_id;
COMMIT;

-- transaction: new_reservation
-- weight: 20
INSERT INTO reservation (r_c_id, r_f_id, r_seat, r_price) VALUES (:c_id, :f_id, :seat, :price);
UPDATE flight SET f_seats_left = f_seats_left - 1 WHERE f_id = :f_id;
UPDATE customer SET c_iattr10 = c_iattr10 + 1 WHERE c_id = :c_id;
UPDATE frequent_flyer SET ff_iattr10 = ff_iattr10 + 1 WHERE ff_c_id = :c_id AND ff_al_id = :al_id;
COMMIT;

-- transaction: update_customer
-- weight: 10
SELECT c_id FROM customer WHERE c_id_str = :c_id_str \gset
UPDATE customer SET c_iattr10 = :attr WHERE c_id = :c_id;
UPDATE frequent_flyer SET ff_iattr10 = :attr WHERE ff_c_id = :c_id;
COMMIT;

-- The one that changes a seat: it sets the same pair of flight and seat as new_reservation.
-- transaction: update_reservation
-- weight: 15
UPDATE reservation SET r_seat = :seat WHERE r_id = :r_id AND r_c_id = :c_id AND r_f_id = :f_id;
COMMIT;

-- transaction: delete_reservation
-- weight: 10
DELETE FROM reservation WHERE r_id = :r_id AND r_c_id = :c_id AND r_f_id = :f_id;
UPDATE flight SET f_seats_left = f_seats_left + 1 WHERE f_id = :f_id;
UPDATE customer SET c_balance = c_balance + :refund WHERE c_id = :c_id;
COMMIT;
