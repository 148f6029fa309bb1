-- audience: internal
-- Puts the messages of the session's incoming table into messages, by one statement. They name
-- their bucket, and so go past the trigger: heads, ids and the ledger are the caller's work.
--
-- positions: where the table has the numbers 1, 2, 3 ..., the global positions for them.
CREATE OR REPLACE FUNCTION @extschema@.take_incoming(positions bigint[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO @extschema@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  SELECT n.number, i.position, i.time, i.stream_name, i.type,
    i.data::json, i.metadata::json, i.id, n.number >> 14,
    coalesce(
      i.correlation_category, split_part(i.metadata::json ->> 'correlationStreamName', '-', 1), '-'
    )
  FROM pg_temp.coldstream_incoming AS i,
    LATERAL (SELECT CASE WHEN $1 IS NULL THEN i.global_position ELSE $1[i.global_position] END) AS n (number);
END;
$$;
