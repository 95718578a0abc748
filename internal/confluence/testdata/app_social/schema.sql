-- Patterns of a social network such as Mastodon: account names unique within a domain, one follow for each pair, counts
-- beside what they count, ids from a function of the schema. Written for this test.
CREATE FUNCTION timestamp_id(of text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (extract(epoch FROM clock_timestamp()) * 1000)::bigint << 16 | (random() * 65535)::bigint;
END $$;

CREATE TABLE accounts (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username text NOT NULL,
    domain   text
);
CREATE UNIQUE INDEX accounts_by_name ON accounts (lower(username), coalesce(lower(domain), ''));

CREATE TABLE account_stats (
    account_id      uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    statuses_count  bigint NOT NULL DEFAULT 0,
    followers_count bigint NOT NULL DEFAULT 0
);

CREATE TABLE statuses (
    id         bigint PRIMARY KEY DEFAULT timestamp_id('statuses'),
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    text       text NOT NULL DEFAULT '',
    reblog_of  bigint REFERENCES statuses ON DELETE CASCADE
);

CREATE TABLE follows (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    target_id  uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    UNIQUE (account_id, target_id)
);

CREATE TABLE favourites (
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    status_id  bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
    PRIMARY KEY (account_id, status_id)
);

CREATE FUNCTION count_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE account_stats SET statuses_count = statuses_count + 1 WHERE account_id = NEW.account_id;
    RETURN NEW;
END $$;
CREATE TRIGGER status_counted AFTER INSERT ON statuses FOR EACH ROW EXECUTE FUNCTION count_status();
