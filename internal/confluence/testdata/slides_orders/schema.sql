-- The CreateOrder example of "Availability, Consistency, and Horizontally Scalable Data Management" (Bailis, 2014),
-- in PostgreSQL's words: AUTO_INCREMENT is serial.
CREATE TABLE customers (
    c_id int PRIMARY KEY
);

CREATE TABLE orders (
    o_id  serial PRIMARY KEY,
    c_id  int REFERENCES customers (c_id),
    o_qty int CHECK (o_qty > 0),
    date  timestamp NOT NULL
);

CREATE PROCEDURE create_order(p_c_id int, p_o_qty int) LANGUAGE sql AS $$
    INSERT INTO orders (c_id, o_qty, date) VALUES (p_c_id, p_o_qty, now());
$$;
