-- transaction: sign_up
INSERT INTO members (name) VALUES (:name);
COMMIT;

-- transaction: view_topic
UPDATE topics SET views = views + 1 WHERE id = :topic;
COMMIT;

-- transaction: reply
UPDATE topics SET last_number = last_number + 1, posts_count = posts_count + 1 WHERE id = :topic RETURNING last_number \gset
INSERT INTO posts (topic_id, member_id, number, raw) VALUES (:topic, :member, :last_number, :raw);
UPDATE members SET posts_made = posts_made + 1 WHERE id = :member;
COMMIT;

-- transaction: react
INSERT INTO reactions (post_id, member_id, kind) VALUES (:post, :member, :kind);
COMMIT;

-- transaction: take_back_reaction
UPDATE reactions SET deleted_at = now() WHERE id = :reaction;
COMMIT;

-- transaction: edit_post
SELECT raw FROM posts WHERE id = :post FOR UPDATE;
UPDATE posts SET raw = :raw WHERE id = :post;
COMMIT;
