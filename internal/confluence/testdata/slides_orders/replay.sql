INSERT INTO customers VALUES (1), (2);
INSERT INTO orders (c_id, o_qty, date) VALUES (1, 5, '2026-01-01');

-- transaction: create_order
CALL create_order(1, 3);
-- transaction: create_order
CALL create_order(2, 3);
