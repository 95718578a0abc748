SELECT * FROM "Strange ""Table""";
