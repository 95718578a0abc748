-- "Each employee is in a department" and the foreign key example of the slides.
CREATE TABLE department (
    d_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    deptname text
);

CREATE TABLE users (
    u_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    d_id     uuid NOT NULL REFERENCES department (d_id),
    username text
);
CREATE INDEX users_by_department ON users (d_id);

CREATE TABLE badge (
    b_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    u_id uuid NOT NULL REFERENCES users (u_id) ON DELETE CASCADE
);
