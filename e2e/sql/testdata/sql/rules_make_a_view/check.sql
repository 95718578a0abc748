SELECT * FROM rules_make_a_view.base ORDER BY 1;
