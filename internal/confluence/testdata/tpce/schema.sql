-- TPC-E as far as its consistency conditions reach, written from the specification's description (TPC Benchmark E, revision
-- 1.14): brokers, accounts, trades and holdings. The first three invariants are the specification's conditions on
-- B_NUM_TRADES, B_COMM_TOTAL and HS_QTY; the fourth says of the cash balance what its transactions keep.
CREATE TABLE broker (
    b_id         bigint PRIMARY KEY,
    b_num_trades int NOT NULL,
    b_comm_total numeric NOT NULL
);

CREATE TABLE customer_account (
    ca_id   bigint PRIMARY KEY,
    ca_b_id bigint NOT NULL REFERENCES broker,
    ca_bal  numeric NOT NULL
);

CREATE TABLE trade (
    t_id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    t_ca_id bigint NOT NULL REFERENCES customer_account,
    t_st_id text NOT NULL CHECK (t_st_id IN ('SBMT', 'CMPT', 'CNCL')),
    t_comm  numeric NOT NULL CHECK (t_comm >= 0)
);

CREATE TABLE holding_summary (
    hs_ca_id  bigint NOT NULL REFERENCES customer_account,
    hs_s_symb text NOT NULL,
    hs_qty    int NOT NULL,
    PRIMARY KEY (hs_ca_id, hs_s_symb)
);

CREATE TABLE holding (
    h_t_id   uuid PRIMARY KEY REFERENCES trade,
    h_ca_id  bigint NOT NULL,
    h_s_symb text NOT NULL,
    h_qty    int NOT NULL,
    FOREIGN KEY (h_ca_id, h_s_symb) REFERENCES holding_summary
);

CREATE TABLE cash_transaction (
    ct_t_id  uuid PRIMARY KEY REFERENCES trade,
    ct_ca_id bigint NOT NULL REFERENCES customer_account,
    ct_amt   numeric NOT NULL
);

-- invariant: condition_1
SELECT NOT EXISTS (SELECT FROM broker b WHERE b.b_num_trades <>
    (SELECT count(*) FROM trade JOIN customer_account ON ca_id = t_ca_id WHERE ca_b_id = b.b_id AND t_st_id = 'CMPT'));

-- invariant: condition_2
SELECT NOT EXISTS (SELECT FROM broker b WHERE b.b_comm_total <>
    (SELECT coalesce(sum(t_comm), 0) FROM trade JOIN customer_account ON ca_id = t_ca_id WHERE ca_b_id = b.b_id AND t_st_id = 'CMPT'));

-- invariant: condition_3
SELECT NOT EXISTS (SELECT FROM holding_summary hs WHERE hs.hs_qty <>
    (SELECT coalesce(sum(h_qty), 0) FROM holding WHERE h_ca_id = hs.hs_ca_id AND h_s_symb = hs.hs_s_symb));

-- invariant: cash_adds_up
SELECT NOT EXISTS (SELECT FROM customer_account a WHERE a.ca_bal <>
    (SELECT coalesce(sum(ct_amt), 0) FROM cash_transaction WHERE ct_ca_id = a.ca_id));
