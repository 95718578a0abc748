-- SEATS, the airline ticketing benchmark, written from the published descriptions of its tables and of what its six
-- transactions do (OLTP-Bench; H-Store). Ids of reservations are made by the client from its own number there; here they
-- are UUIDs.
CREATE TABLE airline (al_id bigint PRIMARY KEY, al_name text NOT NULL);

CREATE TABLE customer (
    c_id      bigint PRIMARY KEY,
    c_id_str  text NOT NULL UNIQUE,
    c_balance numeric NOT NULL,
    c_iattr10 bigint NOT NULL DEFAULT 0
);

CREATE TABLE frequent_flyer (
    ff_c_id   bigint NOT NULL REFERENCES customer,
    ff_al_id  bigint NOT NULL REFERENCES airline,
    ff_iattr10 bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (ff_c_id, ff_al_id)
);

CREATE TABLE flight (
    f_id          bigint PRIMARY KEY,
    f_al_id       bigint NOT NULL REFERENCES airline,
    f_depart_time timestamp NOT NULL,
    f_seats_total bigint NOT NULL,
    f_seats_left  bigint NOT NULL
);
CREATE INDEX flight_by_time ON flight (f_depart_time);

CREATE TABLE reservation (
    r_id    uuid NOT NULL DEFAULT gen_random_uuid(),
    r_c_id  bigint NOT NULL REFERENCES customer,
    r_f_id  bigint NOT NULL REFERENCES flight,
    r_seat  bigint NOT NULL,
    r_price numeric NOT NULL CHECK (r_price >= 0),
    PRIMARY KEY (r_id, r_c_id, r_f_id),
    UNIQUE (r_f_id, r_seat)
);

-- invariant: seats_left
SELECT NOT EXISTS (SELECT FROM flight f
    WHERE f.f_seats_left <> f.f_seats_total - (SELECT count(*) FROM reservation WHERE r_f_id = f.f_id));
