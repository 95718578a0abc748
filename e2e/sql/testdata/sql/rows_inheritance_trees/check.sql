SELECT tableoid::regclass, * FROM city ORDER BY name; SELECT * FROM capital; SELECT * FROM port;
