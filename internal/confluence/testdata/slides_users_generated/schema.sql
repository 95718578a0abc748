-- "Let the DB decide the ID; use node ID or UUID".
CREATE TABLE users (
    id        uuid UNIQUE DEFAULT gen_random_uuid(),
    firstname text,
    lastname  text
);
