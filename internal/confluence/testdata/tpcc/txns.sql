-- The five transactions (clauses 2.4 to 2.8), with the weights of the usual mix (clause 5.2.3).

-- weight: 45
CREATE PROCEDURE new_order(p_w_id int, p_d_id int, p_c_id int, p_items int[], p_quantities int[]) LANGUAGE plpgsql AS $$
DECLARE
    v_o_id  int;
    v_price numeric;
BEGIN
    UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = p_w_id AND d_id = p_d_id
        RETURNING d_next_o_id - 1 INTO v_o_id;
    INSERT INTO orders (o_w_id, o_d_id, o_id, o_c_id, o_entry_d, o_carrier_id, o_ol_cnt)
        VALUES (p_w_id, p_d_id, v_o_id, p_c_id, now(), NULL, array_length(p_items, 1));
    INSERT INTO new_order (no_w_id, no_d_id, no_o_id) VALUES (p_w_id, p_d_id, v_o_id);
    FOR n IN 1 .. array_length(p_items, 1) LOOP
        SELECT i_price INTO v_price FROM item WHERE i_id = p_items[n];
        UPDATE stock SET
            s_quantity = CASE WHEN s_quantity >= p_quantities[n] + 10 THEN s_quantity - p_quantities[n]
                              ELSE s_quantity - p_quantities[n] + 91 END,
            s_ytd = s_ytd + p_quantities[n],
            s_order_cnt = s_order_cnt + 1
            WHERE s_w_id = p_w_id AND s_i_id = p_items[n];
        INSERT INTO order_line (ol_w_id, ol_d_id, ol_o_id, ol_number, ol_i_id, ol_supply_w_id, ol_delivery_d, ol_quantity, ol_amount)
            VALUES (p_w_id, p_d_id, v_o_id, n, p_items[n], p_w_id, NULL, p_quantities[n], p_quantities[n] * v_price);
    END LOOP;
END $$;

-- weight: 43
CREATE PROCEDURE payment(p_w_id int, p_d_id int, p_c_id int, p_amount numeric) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE warehouse SET w_ytd = w_ytd + p_amount WHERE w_id = p_w_id;
    UPDATE district SET d_ytd = d_ytd + p_amount WHERE d_w_id = p_w_id AND d_id = p_d_id;
    UPDATE customer SET c_balance = c_balance - p_amount, c_ytd_payment = c_ytd_payment + p_amount, c_payment_cnt = c_payment_cnt + 1
        WHERE c_w_id = p_w_id AND c_d_id = p_d_id AND c_id = p_c_id;
    INSERT INTO history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount)
        VALUES (p_c_id, p_d_id, p_w_id, p_d_id, p_w_id, now(), p_amount);
END $$;

-- weight: 4
CREATE FUNCTION order_status(p_w_id int, p_d_id int, p_c_id int) RETURNS SETOF order_line LANGUAGE sql AS $$
    SELECT l.* FROM order_line l
        WHERE l.ol_w_id = p_w_id AND l.ol_d_id = p_d_id
          AND l.ol_o_id = (SELECT max(o_id) FROM orders WHERE o_w_id = p_w_id AND o_d_id = p_d_id AND o_c_id = p_c_id);
$$;

-- weight: 4
-- assume: p_carrier_id IS NOT NULL
CREATE PROCEDURE delivery(p_w_id int, p_d_id int, p_carrier_id int) LANGUAGE plpgsql AS $$
DECLARE
    v_o_id  int;
    v_c_id  int;
    v_total numeric;
BEGIN
    SELECT no_o_id INTO v_o_id FROM new_order WHERE no_w_id = p_w_id AND no_d_id = p_d_id ORDER BY no_o_id LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM new_order WHERE no_w_id = p_w_id AND no_d_id = p_d_id AND no_o_id = v_o_id;
    UPDATE orders SET o_carrier_id = p_carrier_id WHERE o_w_id = p_w_id AND o_d_id = p_d_id AND o_id = v_o_id
        RETURNING o_c_id INTO v_c_id;
    UPDATE order_line SET ol_delivery_d = now() WHERE ol_w_id = p_w_id AND ol_d_id = p_d_id AND ol_o_id = v_o_id;
    SELECT sum(ol_amount) INTO v_total FROM order_line WHERE ol_w_id = p_w_id AND ol_d_id = p_d_id AND ol_o_id = v_o_id;
    UPDATE customer SET c_balance = c_balance + v_total, c_delivery_cnt = c_delivery_cnt + 1
        WHERE c_w_id = p_w_id AND c_d_id = p_d_id AND c_id = v_c_id;
END $$;

-- weight: 4
CREATE FUNCTION stock_level(p_w_id int, p_d_id int, p_threshold int) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(DISTINCT s_i_id) FROM district
        JOIN order_line ON ol_w_id = d_w_id AND ol_d_id = d_id AND ol_o_id >= d_next_o_id - 20
        JOIN stock ON s_w_id = ol_w_id AND s_i_id = ol_i_id
        WHERE d_w_id = p_w_id AND d_id = p_d_id AND s_quantity < p_threshold;
$$;
