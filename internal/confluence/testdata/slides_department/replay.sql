INSERT INTO department VALUES ('00000000-0000-0000-0000-000000000001', 'ops'), ('00000000-0000-0000-0000-000000000002', 'dev');
INSERT INTO users VALUES ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', 'Harry');
INSERT INTO badge (u_id) VALUES ('00000000-0000-0000-0000-000000000001');

-- transaction: found_department
WITH d AS (INSERT INTO department (deptname) VALUES ('awesome division') RETURNING d_id) INSERT INTO users (d_id, username) SELECT d_id, 'lamport' FROM d;
-- transaction: add_employee
INSERT INTO users (d_id, username) VALUES ('00000000-0000-0000-0000-000000000001', 'Sue');
-- transaction: add_employee
INSERT INTO users (d_id, username) VALUES ('00000000-0000-0000-0000-000000000002', 'Gary');
-- transaction: dismiss
DELETE FROM users WHERE u_id = '00000000-0000-0000-0000-000000000001';
-- transaction: close_department
DELETE FROM department WHERE d_id = '00000000-0000-0000-0000-000000000002';
