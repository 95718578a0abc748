-- transaction: insert_record
INSERT INTO users (firstname, lastname) VALUES ('Leslie', 'Lamport');
COMMIT;
