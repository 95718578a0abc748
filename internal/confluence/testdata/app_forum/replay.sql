INSERT INTO members (name) VALUES ('Ada'), ('Grace');
INSERT INTO topics VALUES ('00000000-0000-0000-0000-000000000001', 'Beans', 1, 1, 0);
INSERT INTO posts VALUES ('00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000001', 1, 1, 'Which?');
INSERT INTO reactions VALUES ('00000000-0000-0000-0000-000000000021', '00000000-0000-0000-0000-000000000011', 2, 'like', NULL);

-- transaction: sign_up
INSERT INTO members (name) VALUES ('Barbara');
-- transaction: sign_up
INSERT INTO members (name) VALUES ('BARBARA');
-- transaction: view_topic
UPDATE topics SET views = views + 1 WHERE id = '00000000-0000-0000-0000-000000000001';
-- transaction: reply
WITH t AS (UPDATE topics SET last_number = last_number + 1, posts_count = posts_count + 1 WHERE id = '00000000-0000-0000-0000-000000000001' RETURNING id, last_number)
    INSERT INTO posts (topic_id, member_id, number, raw) SELECT id, 2, last_number, 'Arabica.' FROM t;
UPDATE members SET posts_made = posts_made + 1 WHERE id = 2;
-- transaction: reply
WITH t AS (UPDATE topics SET last_number = last_number + 1, posts_count = posts_count + 1 WHERE id = '00000000-0000-0000-0000-000000000001' RETURNING id, last_number)
    INSERT INTO posts (topic_id, member_id, number, raw) SELECT id, 1, last_number, 'Robusta!' FROM t;
UPDATE members SET posts_made = posts_made + 1 WHERE id = 1;
-- transaction: react
INSERT INTO reactions (post_id, member_id, kind) VALUES ('00000000-0000-0000-0000-000000000011', 1, 'like');
-- transaction: take_back_reaction
UPDATE reactions SET deleted_at = now() WHERE id = '00000000-0000-0000-0000-000000000021';
-- transaction: edit_post
UPDATE posts SET raw = 'Which ones?' WHERE id = '00000000-0000-0000-0000-000000000011';
