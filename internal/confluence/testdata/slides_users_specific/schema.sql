-- "Constraint: record IDs are unique" of the slides, with ids that the client specifies.
CREATE TABLE users (
    id        int UNIQUE,
    firstname text,
    lastname  text
);
