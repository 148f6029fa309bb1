-- audience: part; needs timescale
-- Of messages in their order those that fulfil the caller's condition (NULL: all), row_limit at most (NULL: all).
-- The condition sees what it sees of a row in the database (see select_messages), and its names are looked up by
-- the caller's path.
CREATE OR REPLACE FUNCTION @extschema@.matching_messages(
  messages @extschema@.message[],
  condition text,
  row_limit bigint
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _condition_path constant text := coalesce(
    pg_catalog.current_setting('coldstream.condition_path', true), ''
  );
BEGIN
  IF $2 IS NULL THEN
    RETURN QUERY
    SELECT u.id, u.stream_name, u.type, u.position, u.global_position, u.data, u.metadata, u.time
    FROM pg_catalog.unnest($1) WITH ORDINALITY AS u (
      id, stream_name, type, position, global_position, data, metadata, time, number
    )
    ORDER BY u.number
    LIMIT $3;
    RETURN;
  END IF;
  PERFORM pg_catalog.set_config('search_path', _condition_path, true);
  RETURN QUERY EXECUTE '
SELECT id::varchar, stream_name::varchar, type::varchar, position, global_position,
  data_text, metadata_text, time
FROM (
  SELECT u.global_position, u.position, u.time, u.stream_name::text AS stream_name, u.type::text AS type,
    u.data::pg_catalog.jsonb AS data, u.metadata::pg_catalog.jsonb AS metadata,
    u.id::pg_catalog.uuid AS id, u.data AS data_text, u.metadata AS metadata_text, u.number
  FROM pg_catalog.unnest($1) WITH ORDINALITY AS u (
    id, stream_name, type, position, global_position, data, metadata, time, number
  )
) AS messages
WHERE (' || $2 || E')\nORDER BY number\nLIMIT $2'
    USING $1, $3;
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END;
$$;
