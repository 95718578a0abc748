-- transaction: change_staffing
UPDATE staff SET on_duty = false WHERE name = :leaves;
UPDATE staff SET on_duty = true WHERE name = :comes;
COMMIT;
