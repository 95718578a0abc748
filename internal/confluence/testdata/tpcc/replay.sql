-- A state in which all twelve conditions hold: one warehouse, two districts, and orders 1 to 3 of which 1 is delivered.
INSERT INTO warehouse VALUES (1, 0, 30);
INSERT INTO district VALUES (1, 1, 0, 30, 4), (1, 2, 0, 0, 1);
INSERT INTO customer VALUES (1, 1, 1, 'BAR', 'GC', -20, 30, 1, 1), (1, 1, 2, 'OUGHT', 'GC', 0, 0, 0, 0), (1, 2, 1, 'ABLE', 'BC', 0, 0, 0, 0);
INSERT INTO history VALUES (1, 1, 1, 1, 1, '2026-01-01', 30);
INSERT INTO item VALUES (1, 5), (2, 7);
INSERT INTO stock VALUES (1, 1, 50, 0, 0, 0), (1, 2, 11, 0, 0, 0);
INSERT INTO orders VALUES (1, 1, 1, 1, '2026-01-01', 7, 1), (1, 1, 2, 2, '2026-01-02', NULL, 1), (1, 1, 3, 1, '2026-01-03', NULL, 2);
INSERT INTO new_order VALUES (1, 1, 2), (1, 1, 3);
INSERT INTO order_line VALUES (1, 1, 1, 1, 1, 1, '2026-01-01', 2, 10), (1, 1, 2, 1, 2, 1, NULL, 1, 7), (1, 1, 3, 1, 1, 1, NULL, 1, 5), (1, 1, 3, 2, 2, 1, NULL, 1, 7);

-- transaction: new_order
CALL new_order(1, 1, 1, ARRAY[1, 2], ARRAY[3, 4]);
-- transaction: new_order
CALL new_order(1, 1, 2, ARRAY[2], ARRAY[9]);
-- transaction: new_order
CALL new_order(1, 2, 1, ARRAY[1], ARRAY[1]);
-- transaction: payment
CALL payment(1, 1, 1, 12.5);
-- transaction: payment
CALL payment(1, 1, 2, 100);
-- transaction: payment
CALL payment(1, 2, 1, 3);
-- transaction: delivery
CALL delivery(1, 1, 3);
-- transaction: delivery
CALL delivery(1, 1, 4);
-- transaction: delivery
CALL delivery(1, 1, 3);
CALL delivery(1, 1, 5);
