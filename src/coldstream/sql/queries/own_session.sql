-- A session of ours alone looks for names in pg_catalog, and shows times in UTC. One that came
-- through a pooler has not taken the startup options; nothing is set there, and no row comes back.
SELECT
  pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
  pg_catalog.set_config('TimeZone', 'UTC', false)
WHERE pg_catalog.current_setting('coldstream.session', true) OPERATOR(pg_catalog.=) 'on'
