INSERT INTO subscriber VALUES (1, '001', 0, 3, 10), (2, '002', 1, 4, 20);
INSERT INTO access_info VALUES (1, 1, 5);
INSERT INTO special_facility VALUES (1, 1, 1, 7), (1, 2, 0, 8);
INSERT INTO call_forwarding VALUES (1, 1, 0, 8, '555');

-- transaction: update_subscriber_data
UPDATE subscriber SET bit_1 = 1 WHERE s_id = 1;
UPDATE special_facility SET data_a = 9 WHERE s_id = 1 AND sf_type = 1;
-- transaction: update_subscriber_data
UPDATE subscriber SET bit_1 = 0 WHERE s_id = 1;
UPDATE special_facility SET data_a = 255 WHERE s_id = 1 AND sf_type = 1;
-- transaction: update_location
UPDATE subscriber SET vlr_location = 11 WHERE sub_nbr = '001';
-- transaction: insert_call_forwarding
INSERT INTO call_forwarding VALUES (1, 1, 8, 10, '666') ON CONFLICT (s_id, sf_type, start_time) DO NOTHING;
-- transaction: insert_call_forwarding
INSERT INTO call_forwarding VALUES (1, 1, 8, 12, '777') ON CONFLICT (s_id, sf_type, start_time) DO NOTHING;
-- transaction: delete_call_forwarding
DELETE FROM call_forwarding WHERE s_id = 1 AND sf_type = 1 AND start_time = 0;
-- transaction: delete_call_forwarding
DELETE FROM call_forwarding WHERE s_id = 1 AND sf_type = 1 AND start_time = 8;
