-- Patterns of a shop such as Spree: stock that must not fall below zero, order numbers that customers see, a promotion
-- that may be used so many times, payments that add up. Written for this test.
CREATE DOMAIN quantity AS int CHECK (VALUE > 0);


CREATE TABLE stock_items (
    sku           text PRIMARY KEY,
    count_on_hand int NOT NULL CHECK (count_on_hand >= 0)
);

CREATE SEQUENCE order_numbers;
CREATE TABLE orders (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number        bigint NOT NULL UNIQUE DEFAULT nextval('order_numbers'),
    state         text NOT NULL DEFAULT 'cart' CHECK (state IN ('cart', 'complete', 'canceled')),
    total         numeric NOT NULL DEFAULT 0,
    payment_total numeric NOT NULL DEFAULT 0,
    starts_on     date,
    ends_on       date,
    CHECK (starts_on <= ends_on)
);

CREATE TABLE line_items (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    order_id uuid NOT NULL REFERENCES orders ON DELETE CASCADE,
    sku      text NOT NULL REFERENCES stock_items,
    quantity quantity NOT NULL,
    price    numeric NOT NULL CHECK (price >= 0)
);

CREATE TABLE payments (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    order_id uuid NOT NULL REFERENCES orders,
    amount   numeric NOT NULL CHECK (amount > 0)
);

CREATE TABLE promotions (
    code       text PRIMARY KEY,
    used       int NOT NULL DEFAULT 0,
    used_up_at int NOT NULL,
    CHECK (used <= used_up_at)
);

-- invariant: payments_add_up
SELECT NOT EXISTS (SELECT FROM orders o WHERE o.payment_total <> (SELECT coalesce(sum(amount), 0) FROM payments WHERE order_id = o.id));
