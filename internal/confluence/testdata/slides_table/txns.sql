-- transaction: equality_any
INSERT INTO equality (state, digit) VALUES ('open', 3);
UPDATE equality SET state = 'open', digit = digit + 1 WHERE id = :id;
DELETE FROM equality WHERE id = :old;
COMMIT;
-- transaction: generated_id_any
INSERT INTO parent DEFAULT VALUES;
COMMIT;
-- transaction: specified_id_insert
INSERT INTO given VALUES (:id);
COMMIT;
-- transaction: greater_increment
UPDATE above SET n = n + 1 WHERE id = :id;
COMMIT;
-- transaction: greater_decrement
UPDATE above SET n = n - 1 WHERE id = :id;
COMMIT;
-- transaction: less_decrement
UPDATE below SET n = n - 1 WHERE id = :id;
COMMIT;
-- transaction: less_increment
UPDATE below SET n = n + 1 WHERE id = :id;
COMMIT;
-- transaction: foreign_key_insert
INSERT INTO kept (parent) VALUES (:parent);
COMMIT;
-- transaction: foreign_key_delete
DELETE FROM parent WHERE id = :id;
COMMIT;
-- transaction: foreign_key_delete_cascading
DELETE FROM other WHERE id = :id;
COMMIT;
-- transaction: index_and_view_any
INSERT INTO swept (other) VALUES (:other);
COMMIT;
-- transaction: auto_increment_insert
INSERT INTO numbered (what) VALUES (:what);
COMMIT;
