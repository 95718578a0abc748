INSERT INTO stock_items VALUES ('mug', 5);
INSERT INTO orders (id) VALUES ('00000000-0000-0000-0000-000000000001');
INSERT INTO payments VALUES ('00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000001', 4);
UPDATE orders SET payment_total = 4, starts_on = '2026-01-05', ends_on = '2026-01-20';
INSERT INTO promotions VALUES ('SPRING', 0, 3);

-- transaction: add_item
SELECT add_item('00000000-0000-0000-0000-000000000001', 'mug', 3, 8);
-- transaction: restock
SELECT restock('mug', 10);
-- transaction: restock
SELECT restock('mug', -2);
-- transaction: restock_unchecked
SELECT restock_unchecked('mug', -4);
-- transaction: open_order
INSERT INTO orders DEFAULT VALUES;
-- transaction: complete_order
UPDATE orders SET state = 'complete', total = (SELECT sum(quantity * price) FROM line_items WHERE order_id = '00000000-0000-0000-0000-000000000001')
    WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: pay
INSERT INTO payments (order_id, amount) VALUES ('00000000-0000-0000-0000-000000000001', 2);
UPDATE orders SET payment_total = payment_total + 2 WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: pay
INSERT INTO payments (order_id, amount) VALUES ('00000000-0000-0000-0000-000000000001', 3);
UPDATE orders SET payment_total = payment_total + 3 WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: void_payment
DELETE FROM payments WHERE id = '00000000-0000-0000-0000-000000000011';
UPDATE orders SET payment_total = payment_total - 4 WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: use_promotion
UPDATE promotions SET used = used + 1 WHERE code = 'SPRING';
-- transaction: move_start
UPDATE orders SET starts_on = '2026-01-18' WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: move_end
UPDATE orders SET ends_on = '2026-01-07' WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: discount
UPDATE orders SET total = total * 0.9 WHERE id = '00000000-0000-0000-0000-000000000001';
