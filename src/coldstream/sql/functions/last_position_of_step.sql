-- How far a read should look for so many messages, starting at a global position inside a chunk's
-- range of a category: by the chunk's density, with some room, to the end of a columnstore bucket.
CREATE OR REPLACE FUNCTION @extschema@.last_position_of_step(
  "position" bigint,
  messages bigint,
  room double precision,
  chunk @extschema@.chunk_range
)
RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$
  SELECT CASE
    WHEN $2 IS NULL THEN ($4).last_global_position
    ELSE (
      (
        $1 + least(
          pg_catalog.ceil(
            least($2, ($4).messages) * $3
            * (($4).last_global_position - ($4).first_global_position + 1) / ($4).messages
          ),
          1e18
        )::bigint >> 14
      ) + 1 << 14
    ) - 1
  END
$$;
