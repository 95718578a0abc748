-- TATP, written from its published description (Telecom Application Transaction Processing Benchmark, version 1.0): four
-- tables, with the attributes that its transactions use.
CREATE TABLE subscriber (
    s_id         int PRIMARY KEY,
    sub_nbr      text NOT NULL UNIQUE,
    bit_1        int NOT NULL CHECK (bit_1 IN (0, 1)),
    hex_1        int NOT NULL CHECK (hex_1 BETWEEN 0 AND 15),
    vlr_location bigint NOT NULL
);

CREATE TABLE access_info (
    s_id    int NOT NULL REFERENCES subscriber,
    ai_type int NOT NULL CHECK (ai_type IN (1, 2, 3, 4)),
    data1   int NOT NULL,
    PRIMARY KEY (s_id, ai_type)
);

CREATE TABLE special_facility (
    s_id      int NOT NULL REFERENCES subscriber,
    sf_type   int NOT NULL CHECK (sf_type IN (1, 2, 3, 4)),
    is_active int NOT NULL CHECK (is_active IN (0, 1)),
    data_a    int NOT NULL CHECK (data_a BETWEEN 0 AND 255),
    PRIMARY KEY (s_id, sf_type)
);

CREATE TABLE call_forwarding (
    s_id       int NOT NULL,
    sf_type    int NOT NULL,
    start_time int NOT NULL CHECK (start_time IN (0, 8, 16)),
    end_time   int NOT NULL CHECK (end_time BETWEEN 1 AND 24),
    numberx    text NOT NULL,
    PRIMARY KEY (s_id, sf_type, start_time),
    FOREIGN KEY (s_id, sf_type) REFERENCES special_facility
);
