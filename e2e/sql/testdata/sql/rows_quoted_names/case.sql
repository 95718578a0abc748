CREATE TABLE "Strange ""Table""" ("Key.1" int PRIMARY KEY, "select" text, "ü" int, " " int);
INSERT INTO "Strange ""Table""" VALUES (1, 'x', 2, 3);
UPDATE "Strange ""Table""" SET "select" = 'y', " " = NULL;
ALTER TABLE "Strange ""Table""" RENAME COLUMN " " TO "a b";
CREATE INDEX "an ""index""" ON "Strange ""Table""" ("ü", lower("select"));
SELECT * FROM "Strange ""Table""";
