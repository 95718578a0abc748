INSERT INTO equality VALUES ('00000000-0000-0000-0000-000000000001', 'open', 5), ('00000000-0000-0000-0000-000000000002', 'open', 1);
INSERT INTO above VALUES ('00000000-0000-0000-0000-000000000001', 1);
INSERT INTO below VALUES ('00000000-0000-0000-0000-000000000001', 99);
INSERT INTO parent VALUES ('00000000-0000-0000-0000-000000000001');
INSERT INTO other VALUES ('00000000-0000-0000-0000-000000000001');
INSERT INTO swept (other) VALUES ('00000000-0000-0000-0000-000000000001');

-- transaction: equality_any
INSERT INTO equality (state, digit) VALUES ('open', 3);
UPDATE equality SET state = 'open', digit = digit + 1 WHERE id = '00000000-0000-0000-0000-000000000001';
DELETE FROM equality WHERE id = '00000000-0000-0000-0000-000000000002';
-- transaction: generated_id_any
INSERT INTO parent DEFAULT VALUES;
-- transaction: specified_id_insert
INSERT INTO given VALUES (1);
-- transaction: greater_increment
UPDATE above SET n = n + 1 WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: less_decrement
UPDATE below SET n = n - 1 WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: foreign_key_insert
INSERT INTO kept (parent) VALUES ('00000000-0000-0000-0000-000000000001');
-- transaction: foreign_key_delete
DELETE FROM parent WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: foreign_key_delete_cascading
DELETE FROM other WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: index_and_view_any
INSERT INTO swept (other) VALUES ('00000000-0000-0000-0000-000000000001');
-- transaction: auto_increment_insert
INSERT INTO numbered (what) VALUES ('latte');
