-- audience: part
-- The statement every read runs: Message DB's eight columns with Message DB's types, so that a
-- condition sees what it would see there (data and metadata are jsonb, time is a UTC timestamp), then the
-- result's types. What nobody names is not made: a read without a condition parses no JSON.
--
-- The filter is ours; it is repeated for each range of time. The ranges are parameter $8 and not
-- text: EXECUTE plans with the values of its parameters, so the planner opens the chunks of these
-- ranges and no other, and no setting of the session has a say in how a time is written or read.
-- A range's upper bound is a time or 'infinity', never missing. The condition is the caller's.
CREATE OR REPLACE FUNCTION @extschema@.select_messages(
  filter text,
  ranges integer,
  condition text,
  order_by text
)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _from text := '';
BEGIN
  -- The same in fewer words: to parse and to plan a subquery is a tenth of a short read.
  IF $2 = 1 AND $3 IS NULL THEN
    RETURN '
SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
  m.data::varchar, m.metadata::varchar, m.time AT TIME ZONE ''UTC'' AS time
FROM @extschema@.messages AS m
WHERE ' || $1 || '
  AND m.time OPERATOR(pg_catalog.>=) pg_catalog.lower($8[1])
  AND m.time OPERATOR(pg_catalog.<) pg_catalog.upper($8[1])'
    || coalesce(E'\nORDER BY m.' || $4, '')
    || E'\nLIMIT $3';
  END IF;

  FOR _number IN 1 .. $2 LOOP
    _from := _from || CASE WHEN _number > 1 THEN E'\n  UNION ALL' ELSE '' END || '
  SELECT m.global_position, m.position, m.time AT TIME ZONE ''UTC'' AS time, m.stream_name, m.type,
    m.data::pg_catalog.jsonb AS data, m.metadata::pg_catalog.jsonb AS metadata, m.id,
    m.data AS data_text, m.metadata AS metadata_text
  FROM @extschema@.messages AS m
  WHERE ' || $1 || '
    AND m.time OPERATOR(pg_catalog.>=) pg_catalog.lower($8[' || _number || '])
    AND m.time OPERATOR(pg_catalog.<) pg_catalog.upper($8[' || _number || '])';
  END LOOP;

  RETURN '
SELECT id::varchar, stream_name::varchar, type::varchar, position, global_position,
  data_text::varchar, metadata_text::varchar, time
FROM (' || _from || '
) AS messages'
  || coalesce(E'\nWHERE (' || $3 || ')', '')
  || coalesce(E'\nORDER BY ' || $4, '')
  || E'\nLIMIT $3';
END;
$$;
