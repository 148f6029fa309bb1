-- audience: internal
-- Brings history along: messages with positions and times of their own, as plain INSERTs of them in
-- this order would, by a few statements for all of them where the trigger has several for each; see
-- import_incoming. Returns their global positions, in order: new ones, or those that are given.
--
-- Not for the application's role: who chooses times can put a stream out of its order.
CREATE OR REPLACE FUNCTION @extschema@.import_messages(
  positions bigint[],
  times timestamptz[],
  stream_names varchar[],
  types varchar[],
  data jsonb[],
  metadata jsonb[],
  ids uuid[],
  global_positions bigint[] DEFAULT NULL
)
RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM @extschema@.check_ascending($8);
  PERFORM @extschema@.make_incoming();
  -- Of a call before this one, in the same transaction.
  DELETE FROM pg_temp.coldstream_incoming;
  INSERT INTO pg_temp.coldstream_incoming
    (global_position, position, time, stream_name, type, data, metadata, id, correlation_category)
  SELECT coalesce(u.global_position, u.number), u.position, u.time,
    u.stream_name, u.type, u.data, u.metadata, u.id,
    coalesce(split_part(u.metadata ->> 'correlationStreamName', '-', 1), '-')
  FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY
    AS u (position, time, stream_name, type, data, metadata, id, global_position, number);
  RETURN QUERY SELECT unnest(@extschema@.import_incoming($8 IS NOT NULL));
END;
$$;
