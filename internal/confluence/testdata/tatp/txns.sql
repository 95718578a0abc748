-- The seven transactions with their weights.

-- transaction: get_subscriber_data
-- weight: 35
SELECT * FROM subscriber WHERE s_id = :s_id;
COMMIT;

-- transaction: get_new_destination
-- weight: 10
SELECT cf.numberx FROM special_facility sf JOIN call_forwarding cf ON cf.s_id = sf.s_id AND cf.sf_type = sf.sf_type
    WHERE sf.s_id = :s_id AND sf.sf_type = :sf_type AND sf.is_active = 1 AND cf.start_time <= :start_time AND cf.end_time > :end_time;
COMMIT;

-- transaction: get_access_data
-- weight: 35
SELECT data1 FROM access_info WHERE s_id = :s_id AND ai_type = :ai_type;
COMMIT;

-- transaction: update_subscriber_data
-- weight: 2
UPDATE subscriber SET bit_1 = :bit WHERE s_id = :s_id;
UPDATE special_facility SET data_a = :data WHERE s_id = :s_id AND sf_type = :sf_type;
COMMIT;

-- transaction: update_location
-- weight: 14
UPDATE subscriber SET vlr_location = :location WHERE sub_nbr = :sub_nbr;
COMMIT;

-- The description lets this one fail where the row is there already. Two copies that forward the same calls at the same
-- time mean one row: as an upsert on the key it is merged to one. (As a plain INSERT, which promises that the row is new,
-- its key would be one that the client chooses.)
-- transaction: insert_call_forwarding
-- weight: 2
SELECT s_id FROM subscriber WHERE sub_nbr = :sub_nbr \gset
SELECT sf_type FROM special_facility WHERE s_id = :s_id;
INSERT INTO call_forwarding (s_id, sf_type, start_time, end_time, numberx)
    VALUES (:s_id, :sf_type, :start_time, :end_time, :numberx) ON CONFLICT (s_id, sf_type, start_time) DO NOTHING;
COMMIT;

-- transaction: delete_call_forwarding
-- weight: 2
DELETE FROM call_forwarding WHERE s_id = :s_id AND sf_type = :sf_type AND start_time = :start_time;
COMMIT;
