-- audience: part; needs timescale
-- Of messages of a stream, in order of position, those that follow one another from a position on.
CREATE OR REPLACE FUNCTION @extschema@.following_messages(
  messages @extschema@.message[],
  "position" bigint
)
RETURNS @extschema@.message[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _count constant integer := coalesce(pg_catalog.cardinality($1), 0);
BEGIN
  IF _count = 0 OR ($1[1]).position <> $2 THEN
    RETURN '{}';
  END IF;
  -- No position is there twice: the last one says whether there is a gap before it.
  IF ($1[_count]).position = $2 + _count - 1 THEN
    RETURN $1;
  END IF;
  RETURN $1[:(
    SELECT pg_catalog.min(u.number) - 1
    FROM pg_catalog.unnest($1) WITH ORDINALITY AS u (
      id, stream_name, type, position, global_position, data, metadata, time, number
    )
    WHERE u.position <> $2 + u.number - 1
  )];
END;
$$;
