-- The statement every read runs: Message DB's eight columns with Message DB's types, so that a
-- condition sees what it would see there (time is a UTC timestamp), then the result's types.
--
-- The filter is ours; it is repeated for each range of time, with the range written into the text,
-- so that the planner opens the chunks of these ranges and no other. The condition is the caller's.
CREATE OR REPLACE FUNCTION @extschema@.select_messages(
  filter text,
  ranges tstzrange[],
  condition text,
  order_by text
)
RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT '
SELECT id::varchar, stream_name::varchar, type::varchar, position, global_position,
  data::varchar, metadata::varchar, time
FROM (' || pg_catalog.string_agg(
    pg_catalog.format(
      '
  SELECT m.global_position, m.position, m.time AT TIME ZONE ''UTC'' AS time, m.stream_name, m.type,
    m.data, m.metadata, m.id
  FROM @extschema@.messages AS m
  WHERE %s AND m.time >= %L AND m.time < %L',
      $1, pg_catalog.lower(r), coalesce(pg_catalog.upper(r), 'infinity')
    ),
    E'\n  UNION ALL'
  ) || '
) AS messages'
  || coalesce(E'\nWHERE (' || $3 || ')', '')
  || E'\nORDER BY ' || $4
  || E'\nLIMIT $3'
  FROM pg_catalog.unnest($2) AS r
$$;
