SELECT * FROM t ORDER BY k; SELECT k FROM t WHERE v @@ to_tsquery('english', 'jumping');
