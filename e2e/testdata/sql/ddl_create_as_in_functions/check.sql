SELECT count(*) FROM made;
