SELECT count(*), sum(id) FROM s;
