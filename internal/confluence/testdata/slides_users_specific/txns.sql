-- transaction: insert_with_specific_id
INSERT INTO users (id, firstname, lastname) VALUES (1, 'Leslie', 'Lamport');
COMMIT;
