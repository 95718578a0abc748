INSERT INTO staff VALUES ('Laura', true), ('Harry', false), ('Gary', false);

-- transaction: change_staffing
UPDATE staff SET on_duty = false WHERE name = 'Laura';
UPDATE staff SET on_duty = true WHERE name = 'Gary';
-- transaction: change_staffing
UPDATE staff SET on_duty = false WHERE name = 'Laura';
UPDATE staff SET on_duty = true WHERE name = 'Harry';
