CREATE FUNCTION add_item(p_order uuid, p_sku text, p_quantity quantity, p_price numeric) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    on_hand int;
BEGIN
    SELECT count_on_hand INTO on_hand FROM stock_items WHERE sku = p_sku FOR UPDATE;
    IF on_hand < p_quantity THEN
        RAISE EXCEPTION 'not enough of %', p_sku;
    END IF;
    on_hand := on_hand - p_quantity;
    UPDATE stock_items SET count_on_hand = on_hand WHERE sku = p_sku;
    INSERT INTO line_items (order_id, sku, quantity, price) VALUES (p_order, p_sku, p_quantity, p_price);
END $$;

CREATE FUNCTION restock(p_sku text, p_quantity int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_quantity <= 0 THEN
        RAISE EXCEPTION 'restock by a positive number';
    END IF;
    UPDATE stock_items SET count_on_hand = count_on_hand + p_quantity WHERE sku = p_sku;
END $$;

CREATE FUNCTION restock_unchecked(p_sku text, p_quantity int) RETURNS void LANGUAGE sql AS $$
    UPDATE stock_items SET count_on_hand = count_on_hand + p_quantity WHERE sku = p_sku;
$$;

-- transaction: open_order
INSERT INTO orders DEFAULT VALUES;
COMMIT;

-- transaction: complete_order
UPDATE orders SET state = 'complete', total = (SELECT sum(quantity * price) FROM line_items WHERE order_id = :order) WHERE id = :order;
COMMIT;

-- transaction: pay
INSERT INTO payments (order_id, amount) VALUES (:order, :amount);
UPDATE orders SET payment_total = payment_total + :amount WHERE id = :order;
COMMIT;

-- transaction: void_payment
DELETE FROM payments WHERE id = :payment;
UPDATE orders SET payment_total = payment_total - :amount WHERE id = :order;
COMMIT;

-- transaction: use_promotion
UPDATE promotions SET used = used + 1 WHERE code = :code;
COMMIT;

-- transaction: move_start
UPDATE orders SET starts_on = :day WHERE id = :order;
COMMIT;

-- transaction: move_end
UPDATE orders SET ends_on = :day WHERE id = :order;
COMMIT;

-- transaction: discount
UPDATE orders SET total = total * 0.9 WHERE id = :order;
COMMIT;
