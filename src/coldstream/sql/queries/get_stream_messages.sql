-- For a client that reads every tier: it must hear of history that has left the database, also where
-- a role's setting says to start at the edge. The setting goes into the call, so that it comes first.
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM pg_catalog.set_config('message_store.archived_reads', 'error', true) AS s,
  LATERAL @extschema@.get_stream_messages(%s || pg_catalog.left(s, 0), %s, %s)
