-- What the lifecycle's parsing and its view of the rows depend on, whatever the database or the role sets;
-- gives what there was before. The argument: whether for this transaction only.
SELECT s.name, s.setting, pg_catalog.set_config(s.name, v.value, %s)
FROM (VALUES
  ('datestyle', 'ISO, MDY'),
  ('intervalstyle', 'postgres'),
  ('timezone', 'UTC'),
  ('bytea_output', 'hex'),
  ('extra_float_digits', '1'),
  ('array_nulls', 'on'),
  ('standard_conforming_strings', 'on'),
  ('quote_all_identifiers', 'off'),
  ('session_replication_role', 'origin'),
  ('timescaledb.enable_columnarscan', 'on'),
  ('timescaledb.enable_transparent_decompression', 'on'),
  ('search_path', 'pg_catalog, pg_temp')
) AS v (name, value)
JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) = v.name
WHERE s.setting <> v.value
