INSERT INTO accounts VALUES ('00000000-0000-0000-0000-000000000001', 'ada', NULL), ('00000000-0000-0000-0000-000000000002', 'grace', NULL);
INSERT INTO account_stats (account_id) SELECT id FROM accounts;
INSERT INTO statuses (id, account_id, text) VALUES (7, '00000000-0000-0000-0000-000000000001', 'hello');

-- transaction: sign_up
WITH a AS (INSERT INTO accounts (username) VALUES ('barbara') RETURNING id) INSERT INTO account_stats (account_id) SELECT id FROM a;
-- transaction: sign_up
WITH a AS (INSERT INTO accounts (username) VALUES ('frances') RETURNING id) INSERT INTO account_stats (account_id) SELECT id FROM a;
-- transaction: post_status
INSERT INTO statuses (account_id, text) VALUES ('00000000-0000-0000-0000-000000000001', 'again');
-- transaction: follow
INSERT INTO follows (account_id, target_id) VALUES ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002');
UPDATE account_stats SET followers_count = followers_count + 1 WHERE account_id = '00000000-0000-0000-0000-000000000002';
-- transaction: favourite
INSERT INTO favourites VALUES ('00000000-0000-0000-0000-000000000002', 7) ON CONFLICT DO NOTHING;
-- transaction: delete_account
DELETE FROM accounts WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: delete_account
DELETE FROM accounts WHERE id = '00000000-0000-0000-0000-000000000002';
