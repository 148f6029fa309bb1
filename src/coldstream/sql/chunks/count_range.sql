-- audience: internal; needs timescale
-- Counts a chunk whose rows the caller keeps from changing, and records what is found, with a state, in
-- the ledger: how many messages and streams, their exact ranges, and those of each category.
--
-- A chunk that has fewer messages than were counted before lost them, but for those that somebody
-- deleted through the store (thinned): then nothing is recorded, or the ledger would say that nothing
-- was ever there.
CREATE OR REPLACE FUNCTION @extschema@.count_range(
  range_start timestamptz,
  state text,
  row_bytes bigint DEFAULT NULL
)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _before @extschema@.chunks;
  _row @extschema@.chunks;
BEGIN
  SELECT c.* INTO _before FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  DELETE FROM @extschema@.chunk_categories AS r WHERE r.range_start = $1;

  -- One look at the rows, by stream: streams are few beside messages, and everything else adds up
  -- from them. In the order of categories, so that the pages of the index are filled. The range is
  -- given as values: as text it would be what the session's settings make of a time.
  EXECUTE
    'WITH s AS MATERIALIZED (
       SELECT m.stream_category AS category, m.stream_name, count(*) AS messages,
         min(m.global_position) AS first_position, max(m.global_position) AS last_position,
         min(m.time) AS first_time, max(m.time) AS last_time
       FROM @extschema@.messages AS m
       WHERE m.time >= $1 AND m.time < $4
       GROUP BY m.stream_category, m.stream_name
     ), r AS (
       INSERT INTO @extschema@.chunk_categories
         (category, range_start, first_global_position, last_global_position, messages)
       SELECT s.category, $1, min(s.first_position), max(s.last_position), sum(s.messages)
       FROM s
       GROUP BY s.category
       ORDER BY s.category
     )
     UPDATE @extschema@.chunks AS c
     SET state = $2, closed_at = coalesce(c.closed_at, clock_timestamp()),
       row_bytes = coalesce($3, c.row_bytes),
       messages = t.messages, streams = t.streams, thinned = false,
       filenode = pg_relation_filenode(to_regclass(coalesce(c.chunk_name, c.part_name))),
       first_global_position = t.first_position, last_global_position = t.last_position,
       first_time = t.first_time, last_time = t.last_time
     FROM (
       SELECT coalesce(sum(s.messages), 0) AS messages, count(*) AS streams,
         min(s.first_position) AS first_position, max(s.last_position) AS last_position,
         min(s.first_time) AS first_time, max(s.last_time) AS last_time
       FROM s
     ) AS t
     WHERE c.range_start = $1
     RETURNING c.*'
  INTO _row USING $1, $2, $3, _before.range_end;

  IF _row.first_time < _row.range_start OR _row.last_time >= _row.range_end THEN
    RAISE EXCEPTION 'The chunk of % to % has messages from % to %',
      _row.range_start, _row.range_end, _row.first_time, _row.last_time
      USING
        ERRCODE = 'CS009',
        HINT = 'TimescaleDB''s split_chunk leaves them where they do not belong when the chunk is compressed. '
          'Bring the chunk back to its range with merge_chunks.';
  END IF;
  IF _row.messages < _before.messages AND NOT _before.thinned THEN
    RAISE EXCEPTION 'The chunk of % to % has % messages, and had % when they were counted',
      _row.range_start, _row.range_end, _row.messages, _before.messages
      USING
        ERRCODE = 'CS009',
        HINT = 'They left it past the store: was the chunk''s table truncated, or dropped and made anew? '
          'Bring them back from a backup; or take what is left for all there is: '
          || format('SELECT @extschema@.recount_range(%L).', _row.range_start::text);
  END IF;
  RETURN _row;
END;
$$;
