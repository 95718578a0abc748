-- TPC-C, written from the specification's description of its tables (TPC Benchmark C, revision 5.11, clause 1.3) with the
-- columns that its transactions and consistency conditions use.
CREATE TABLE warehouse (
    w_id  int PRIMARY KEY,
    w_tax numeric NOT NULL,
    w_ytd numeric NOT NULL
);

CREATE TABLE district (
    d_w_id      int NOT NULL REFERENCES warehouse,
    d_id        int NOT NULL,
    d_tax       numeric NOT NULL,
    d_ytd       numeric NOT NULL,
    d_next_o_id int NOT NULL,
    PRIMARY KEY (d_w_id, d_id)
);

CREATE TABLE customer (
    c_w_id         int NOT NULL,
    c_d_id         int NOT NULL,
    c_id           int NOT NULL,
    c_last         text NOT NULL,
    c_credit       text NOT NULL CHECK (c_credit IN ('GC', 'BC')),
    c_balance      numeric NOT NULL,
    c_ytd_payment  numeric NOT NULL,
    c_payment_cnt  int NOT NULL,
    c_delivery_cnt int NOT NULL,
    PRIMARY KEY (c_w_id, c_d_id, c_id),
    FOREIGN KEY (c_w_id, c_d_id) REFERENCES district
);
CREATE INDEX customer_by_name ON customer (c_w_id, c_d_id, c_last);

-- The specification gives HISTORY no key.
CREATE TABLE history (
    h_c_id   int NOT NULL,
    h_c_d_id int NOT NULL,
    h_c_w_id int NOT NULL,
    h_d_id   int NOT NULL,
    h_w_id   int NOT NULL,
    h_date   timestamp NOT NULL,
    h_amount numeric NOT NULL,
    FOREIGN KEY (h_c_w_id, h_c_d_id, h_c_id) REFERENCES customer,
    FOREIGN KEY (h_w_id, h_d_id) REFERENCES district
);

CREATE TABLE orders (
    o_w_id       int NOT NULL,
    o_d_id       int NOT NULL,
    o_id         int NOT NULL,
    o_c_id       int NOT NULL,
    o_entry_d    timestamp NOT NULL,
    o_carrier_id int,
    o_ol_cnt     int NOT NULL,
    PRIMARY KEY (o_w_id, o_d_id, o_id),
    FOREIGN KEY (o_w_id, o_d_id, o_c_id) REFERENCES customer
);

CREATE TABLE new_order (
    no_w_id int NOT NULL,
    no_d_id int NOT NULL,
    no_o_id int NOT NULL,
    PRIMARY KEY (no_w_id, no_d_id, no_o_id),
    FOREIGN KEY (no_w_id, no_d_id, no_o_id) REFERENCES orders
);

CREATE TABLE item (
    i_id    int PRIMARY KEY,
    i_price numeric NOT NULL
);

CREATE TABLE stock (
    s_w_id       int NOT NULL REFERENCES warehouse,
    s_i_id       int NOT NULL REFERENCES item,
    s_quantity   int NOT NULL,
    s_ytd        int NOT NULL,
    s_order_cnt  int NOT NULL,
    s_remote_cnt int NOT NULL,
    PRIMARY KEY (s_w_id, s_i_id)
);

CREATE TABLE order_line (
    ol_w_id        int NOT NULL,
    ol_d_id        int NOT NULL,
    ol_o_id        int NOT NULL,
    ol_number      int NOT NULL,
    ol_i_id        int NOT NULL,
    ol_supply_w_id int NOT NULL,
    ol_delivery_d  timestamp,
    ol_quantity    int NOT NULL,
    ol_amount      numeric NOT NULL,
    PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number),
    FOREIGN KEY (ol_w_id, ol_d_id, ol_o_id) REFERENCES orders,
    FOREIGN KEY (ol_supply_w_id, ol_i_id) REFERENCES stock
);

-- The twelve consistency conditions (clause 3.3.2), each as a query that must never be false.

-- invariant: condition_1
SELECT NOT EXISTS (SELECT FROM warehouse w
    WHERE w.w_ytd <> (SELECT coalesce(sum(d_ytd), 0) FROM district WHERE d_w_id = w.w_id));

-- invariant: condition_2
SELECT NOT EXISTS (SELECT FROM district d
    WHERE d.d_next_o_id - 1 <> (SELECT max(o_id) FROM orders WHERE o_w_id = d.d_w_id AND o_d_id = d.d_id)
       OR d.d_next_o_id - 1 <> (SELECT max(no_o_id) FROM new_order WHERE no_w_id = d.d_w_id AND no_d_id = d.d_id));

-- invariant: condition_3
SELECT NOT EXISTS (SELECT FROM district d
    WHERE (SELECT max(no_o_id) - min(no_o_id) + 1 FROM new_order WHERE no_w_id = d.d_w_id AND no_d_id = d.d_id)
       <> (SELECT count(*) FROM new_order WHERE no_w_id = d.d_w_id AND no_d_id = d.d_id));

-- invariant: condition_4
SELECT NOT EXISTS (SELECT FROM district d
    WHERE (SELECT coalesce(sum(o_ol_cnt), 0) FROM orders WHERE o_w_id = d.d_w_id AND o_d_id = d.d_id)
       <> (SELECT count(*) FROM order_line WHERE ol_w_id = d.d_w_id AND ol_d_id = d.d_id));

-- invariant: condition_5
SELECT NOT EXISTS (SELECT FROM orders o
    WHERE (o.o_carrier_id IS NULL)
       <> EXISTS (SELECT FROM new_order WHERE no_w_id = o.o_w_id AND no_d_id = o.o_d_id AND no_o_id = o.o_id));

-- invariant: condition_6
SELECT NOT EXISTS (SELECT FROM orders o
    WHERE o.o_ol_cnt <> (SELECT count(*) FROM order_line WHERE ol_w_id = o.o_w_id AND ol_d_id = o.o_d_id AND ol_o_id = o.o_id));

-- invariant: condition_7
SELECT NOT EXISTS (SELECT FROM order_line l JOIN orders o ON o.o_w_id = l.ol_w_id AND o.o_d_id = l.ol_d_id AND o.o_id = l.ol_o_id
    WHERE (l.ol_delivery_d IS NULL) <> (o.o_carrier_id IS NULL));

-- invariant: condition_8
SELECT NOT EXISTS (SELECT FROM warehouse w
    WHERE w.w_ytd <> (SELECT coalesce(sum(h_amount), 0) FROM history WHERE h_w_id = w.w_id));

-- invariant: condition_9
SELECT NOT EXISTS (SELECT FROM district d
    WHERE d.d_ytd <> (SELECT coalesce(sum(h_amount), 0) FROM history WHERE h_w_id = d.d_w_id AND h_d_id = d.d_id));

-- invariant: condition_10
SELECT NOT EXISTS (SELECT FROM customer c
    WHERE c.c_balance <> (SELECT coalesce(sum(ol_amount), 0) FROM order_line
                JOIN orders ON o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id
                WHERE o_w_id = c.c_w_id AND o_d_id = c.c_d_id AND o_c_id = c.c_id AND ol_delivery_d IS NOT NULL)
            - (SELECT coalesce(sum(h_amount), 0) FROM history WHERE h_c_w_id = c.c_w_id AND h_c_d_id = c.c_d_id AND h_c_id = c.c_id));

-- The specification's 2100 is the number of orders that the initial population has delivered.
-- invariant: condition_11
SELECT NOT EXISTS (SELECT FROM district d
    WHERE (SELECT count(*) FROM orders WHERE o_w_id = d.d_w_id AND o_d_id = d.d_id)
        - (SELECT count(*) FROM new_order WHERE no_w_id = d.d_w_id AND no_d_id = d.d_id)
       <> (SELECT count(*) FROM orders WHERE o_w_id = d.d_w_id AND o_d_id = d.d_id AND o_carrier_id IS NOT NULL));

-- invariant: condition_12
SELECT NOT EXISTS (SELECT FROM customer c
    WHERE c.c_balance + c.c_ytd_payment <> (SELECT coalesce(sum(ol_amount), 0) FROM order_line
                JOIN orders ON o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id
                WHERE o_w_id = c.c_w_id AND o_d_id = c.c_d_id AND o_c_id = c.c_id AND ol_delivery_d IS NOT NULL));
