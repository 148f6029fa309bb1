-- Messages with times of their own, as a script that brings history along inserts them.
INSERT INTO @extschema@.messages (position, time, stream_name, type, data, metadata, id)
SELECT u.position, u.time, u.stream_name, u.type, u.data::jsonb, u.metadata::jsonb, u.id
FROM unnest(
  %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[]
) WITH ORDINALITY AS u (position, time, stream_name, type, data, metadata, id, number)
ORDER BY u.number
RETURNING global_position
