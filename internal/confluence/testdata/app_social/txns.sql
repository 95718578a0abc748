-- transaction: sign_up
WITH a AS (INSERT INTO accounts (username) VALUES (:username) RETURNING id)
    INSERT INTO account_stats (account_id) SELECT id FROM a;
COMMIT;

-- transaction: post_status
INSERT INTO statuses (account_id, text) VALUES (:account, :text);
COMMIT;

-- transaction: follow
INSERT INTO follows (account_id, target_id) VALUES (:account, :target);
UPDATE account_stats SET followers_count = followers_count + 1 WHERE account_id = :target;
COMMIT;

-- transaction: favourite
INSERT INTO favourites (account_id, status_id) VALUES (:account, :status) ON CONFLICT DO NOTHING;
COMMIT;

-- transaction: delete_account
DELETE FROM accounts WHERE id = :account;
COMMIT;
