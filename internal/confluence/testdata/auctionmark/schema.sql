-- AuctionMark, written from the H-Store project's description of its tables and procedures. Ids that its clients make up
-- from the user's number are UUIDs here.
CREATE TABLE region (r_id bigint PRIMARY KEY, r_name text);

CREATE TABLE useracct (
    u_id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    u_rating   bigint NOT NULL,
    u_balance  numeric NOT NULL,
    u_comments bigint NOT NULL DEFAULT 0,
    u_r_id     bigint NOT NULL REFERENCES region
);

CREATE TABLE item (
    i_id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    i_u_id          uuid NOT NULL REFERENCES useracct,
    i_name          text,
    i_current_price numeric,
    i_num_bids      bigint NOT NULL DEFAULT 0,
    i_num_comments  bigint NOT NULL DEFAULT 0,
    i_status        int NOT NULL DEFAULT 0 CHECK (i_status IN (0, 1, 2, 3))
);
CREATE INDEX item_by_seller ON item (i_u_id);

CREATE TABLE item_bid (
    ib_id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ib_i_id     uuid NOT NULL REFERENCES item,
    ib_buyer_id uuid NOT NULL REFERENCES useracct,
    ib_bid      numeric NOT NULL CHECK (ib_bid > 0)
);

CREATE TABLE item_comment (
    ic_id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ic_i_id     uuid NOT NULL REFERENCES item,
    ic_buyer_id uuid NOT NULL REFERENCES useracct,
    ic_question text NOT NULL,
    ic_response text
);

-- The one that needs coordination: an item is bought once.
CREATE TABLE item_purchase (
    ip_id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ip_ib_id uuid NOT NULL REFERENCES item_bid,
    ip_i_id  uuid NOT NULL REFERENCES item UNIQUE
);

CREATE TABLE useracct_feedback (
    uf_id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    uf_u_id    uuid NOT NULL REFERENCES useracct,
    uf_i_id    uuid NOT NULL REFERENCES item,
    uf_from_id uuid NOT NULL REFERENCES useracct,
    uf_rating  int NOT NULL,
    CHECK (uf_u_id <> uf_from_id)
);

-- invariant: bids_counted
SELECT NOT EXISTS (SELECT FROM item i WHERE i.i_num_bids <> (SELECT count(*) FROM item_bid WHERE ib_i_id = i.i_id));

-- invariant: highest_bid_shown
SELECT NOT EXISTS (SELECT FROM item i WHERE i.i_current_price <> (SELECT max(ib_bid) FROM item_bid WHERE ib_i_id = i.i_id));

-- invariant: comments_counted
SELECT NOT EXISTS (SELECT FROM item i WHERE i.i_num_comments <> (SELECT count(*) FROM item_comment WHERE ic_i_id = i.i_id));
