-- Patterns of a forum such as Discourse: names that are unique whatever their case, posts numbered within their topic,
-- counts kept beside what they count, and a reaction that is unique only while it is not deleted. Written for this test.
CREATE TABLE members (
    id         bigserial PRIMARY KEY,
    name       text NOT NULL,
    posts_made int NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX members_by_name ON members (lower(name));

CREATE TABLE topics (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title        text NOT NULL,
    last_number  int NOT NULL DEFAULT 0,
    posts_count  int NOT NULL DEFAULT 0,
    views        int NOT NULL DEFAULT 0 CHECK (views >= 0)
);

CREATE TABLE posts (
    id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    topic_id  uuid NOT NULL REFERENCES topics,
    member_id bigint NOT NULL REFERENCES members,
    number    int NOT NULL,
    raw       text NOT NULL CHECK (length(raw) > 0),
    UNIQUE (topic_id, number)
);

CREATE TABLE reactions (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    post_id    uuid NOT NULL REFERENCES posts ON DELETE CASCADE,
    member_id  bigint NOT NULL REFERENCES members,
    kind       text NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX one_reaction ON reactions (post_id, member_id, kind) WHERE deleted_at IS NULL;

-- invariant: posts_counted
SELECT NOT EXISTS (SELECT FROM topics t WHERE t.posts_count <> (SELECT count(*) FROM posts WHERE topic_id = t.id));
