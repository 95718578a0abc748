INSERT INTO users (firstname) VALUES ('Barbara');

-- transaction: insert_record
INSERT INTO users (firstname, lastname) VALUES ('Leslie', 'Lamport');
-- transaction: insert_record
INSERT INTO users (firstname, lastname) VALUES ('Leslie', 'Lamport');
