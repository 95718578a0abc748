SELECT nextval('up');
