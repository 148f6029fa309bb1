-- The database may have messages of the stream $1 of _category in the chunk c. An open chunk's recorded ranges
-- are not believed.
AND (
  c.state <> 'dropped'
  OR c.part_name IS NOT NULL AND @extschema@.stream_matches($1, c.part_streams)
) AND (
  c.state = 'open' OR EXISTS (
    SELECT FROM @extschema@.chunk_categories AS r
    WHERE r.category = _category AND r.range_start = c.range_start
  )
)
