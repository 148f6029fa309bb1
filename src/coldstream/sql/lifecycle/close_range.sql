-- open -> closed: records the exact ranges of a chunk whose range of time has ended.
--
-- SHARE waits for writers that are still at work in the chunk and keeps new ones out until this
-- transaction ends; those then find it closed and open it again (admit_time). Without the lock a
-- message that commits after the look would be outside every recorded range, and never read.
--
-- A closed chunk vouches for all time before its end: what is older and not in the ledger is not
-- looked for. So the lock on messages comes first. It waits for whoever is making a chunk, which
-- cannot be seen yet, and whoever makes one afterwards sees this chunk closed.
CREATE OR REPLACE FUNCTION @extschema@.close_range(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _chunk record;
  _row @extschema@.chunks;
  _name text;
BEGIN
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  IF _row.state <> 'open' THEN
    RETURN _row;
  END IF;

  SELECT h.* INTO _chunk FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = $1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'No chunk of messages starts at %', $1 USING ERRCODE = 'no_data_found';
  ELSIF _chunk.range_end > pg_catalog.clock_timestamp() THEN
    RAISE EXCEPTION 'The range of the chunk has not ended: %', _chunk.range_end
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;

  LOCK TABLE @extschema@.messages IN SHARE UPDATE EXCLUSIVE MODE;
  _name := @extschema@.qualified_name(_chunk.chunk);
  _row := @extschema@.lock_range($1, 'SHARE');
  IF _row.state <> 'open' THEN
    RETURN _row;
  END IF;

  INSERT INTO @extschema@.chunks (range_start, range_end, chunk_name, state)
  VALUES ($1, _chunk.range_end, _name, 'open')
  ON CONFLICT (range_start) DO NOTHING;

  DELETE FROM @extschema@.chunk_categories WHERE range_start = $1;

  PERFORM @extschema@.mark_streams($1, _chunk.range_end);

  -- One look at the rows, by stream: streams are few beside messages, and everything else adds up
  -- from them. In the order of categories, so that the pages of the index are filled.
  EXECUTE pg_catalog.format(
    'WITH s AS MATERIALIZED (
       SELECT m.stream_category AS category, m.stream_name, count(*) AS messages,
         min(m.global_position) AS first_position, max(m.global_position) AS last_position,
         min(m.time) AS first_time, max(m.time) AS last_time
       FROM @extschema@.messages AS m
       WHERE m.time >= %L AND m.time < %L
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
     SET state = $2, closed_at = pg_catalog.clock_timestamp(), row_bytes = $3,
       messages = t.messages, streams = t.streams,
       first_global_position = t.first_position, last_global_position = t.last_position,
       first_time = t.first_time, last_time = t.last_time
     FROM (
       SELECT coalesce(sum(s.messages), 0) AS messages, count(*) AS streams,
         min(s.first_position) AS first_position, max(s.last_position) AS last_position,
         min(s.first_time) AS first_time, max(s.last_time) AS last_time
       FROM s
     ) AS t
     WHERE c.range_start = $1
     RETURNING c.*',
    $1, _chunk.range_end
  ) INTO _row USING
    $1,
    CASE WHEN _chunk.is_compressed THEN 'compressed' ELSE 'closed' END,
    coalesce(_row.row_bytes, pg_catalog.pg_total_relation_size(_chunk.chunk));

  PERFORM @extschema@.sync_store();
  RETURN _row;
END;
$$;
