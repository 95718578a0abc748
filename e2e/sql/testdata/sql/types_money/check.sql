SELECT k, m::numeric FROM t ORDER BY k;
