SELECT * FROM there ORDER BY k; SELECT * FROM here ORDER BY k, v; SELECT * FROM away ORDER BY k; SELECT count(*) FROM emptied;
