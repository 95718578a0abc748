CREATE TABLE city (name text PRIMARY KEY, people int);
CREATE TABLE capital (state text) INHERITS (city);
INSERT INTO city VALUES ('Leeds', 1); INSERT INTO capital VALUES ('London', 2, 'UK');
UPDATE city SET people = people * 10;
DELETE FROM ONLY city;
ALTER TABLE city ADD COLUMN river text DEFAULT 'none';
SELECT tableoid::regclass, * FROM city ORDER BY name;
