-- audience: part
-- Refuses a read of a category (NULL: of any) that gave fewer messages between two global positions than the
-- ledger counted in the closed chunks between them: somebody emptied a chunk's table past the store, and
-- whoever went on would never hear of it. Where some were deleted through the store, fewer are no loss.
CREATE OR REPLACE FUNCTION @extschema@.check_given(
  category text,
  "position" bigint,
  last_position bigint,
  messages bigint
)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _counted record;
BEGIN
  SELECT sum(n.messages) AS messages, min(n.range_start) AS range_start, max(n.range_end) AS range_end
  INTO _counted
  FROM (
    SELECT c.range_start, c.range_end, c.messages
    FROM @extschema@.chunks AS c
    WHERE $1 IS NULL AND c.state NOT IN ('open', 'dropped') AND NOT c.thinned
      AND c.first_global_position >= $2 AND c.last_global_position <= $3
    UNION ALL
    SELECT c.range_start, c.range_end, r.messages
    FROM @extschema@.chunk_categories AS r
    JOIN @extschema@.chunks AS c ON c.range_start = r.range_start
    WHERE r.category = $1 AND c.state NOT IN ('open', 'dropped') AND NOT c.thinned
      AND r.first_global_position >= $2 AND r.last_global_position <= $3
  ) AS n;
  IF $4 < _counted.messages THEN
    RAISE EXCEPTION 'Messages are missing: % of % are there (Positions: % to %, Chunks: % to %)',
      $4, _counted.messages, $2, $3, _counted.range_start, _counted.range_end
      USING
        ERRCODE = 'CS009',
        HINT = 'They left a chunk past the store: was its table truncated, or dropped and made anew? '
          'Bring them back from a backup, or take what is left for all there is: see recount_range.';
  END IF;
END;
$$;
