-- transaction: found_department
INSERT INTO department (deptname) VALUES ('awesome division') RETURNING d_id AS new_d_id \gset
INSERT INTO users (d_id, username) VALUES (:new_d_id, 'lamport');
COMMIT;

-- transaction: add_employee
INSERT INTO users (d_id, username) VALUES (:dept, :name);
COMMIT;

-- transaction: dismiss
DELETE FROM users WHERE u_id = :who;
COMMIT;

-- transaction: close_department
DELETE FROM department WHERE d_id = :dept;
COMMIT;
