-- Refuses a read of chunks of which one is empty, though the ledger counted messages in it and none was
-- deleted through the store: somebody truncated its table, and what is missing would be taken for a gap. Part
-- of a stream read that sees a gap, and of a category read for the chunks whose end it passes.
--
-- Only a chunk that takes no space at all is looked for in the ledger, and then read: its form may have
-- changed since the caller's snapshot, which is another error.
CREATE OR REPLACE FUNCTION @extschema@.check_chunks_filled(chunk_names text[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _empty text[];
  _chunk record;
  _is_filled boolean;
BEGIN
  SELECT array_agg(n.chunk_name) INTO _empty
  FROM unnest($1) AS n (chunk_name)
  WHERE pg_relation_size(to_regclass(n.chunk_name)) = 0
    AND coalesce(
      (
        SELECT pg_relation_size(s.compress_relid) FROM _timescaledb_catalog.compression_settings AS s
        WHERE s.relid = to_regclass(n.chunk_name)
      ),
      0
    ) = 0;
  IF _empty IS NULL THEN
    RETURN;
  END IF;

  FOR _chunk IN
    SELECT c.range_start, c.range_end, c.messages, c.chunk_name FROM @extschema@.chunks AS c
    WHERE c.chunk_name = ANY (_empty)
      AND c.state NOT IN ('open', 'dropped') AND NOT c.thinned AND c.messages > 0
  LOOP
    EXECUTE
      'SELECT EXISTS (
         SELECT FROM @extschema@.messages AS m WHERE m.time >= $1 AND m.time < $2
       )'
      INTO _is_filled USING _chunk.range_start, _chunk.range_end;
    IF NOT _is_filled THEN
      PERFORM @extschema@.check_chunks_unchanged(ARRAY[_chunk.chunk_name], NULL);
      RAISE EXCEPTION 'Messages are missing: 0 of % are there (Chunk: % to %)',
        _chunk.messages, _chunk.range_start, _chunk.range_end
        USING
          ERRCODE = 'CS009',
          HINT = 'They left a chunk past the store: was its table truncated, or dropped and made anew? '
            'Bring them back from a backup, or take what is left for all there is: see recount_range.';
    END IF;
  END LOOP;
END;
$$;
