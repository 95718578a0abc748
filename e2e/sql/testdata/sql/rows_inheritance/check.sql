SELECT tableoid::regclass, * FROM city ORDER BY name;
