-- Where the server takes no COPY from a client.
INSERT INTO @plain@.messages (id, stream_name, type, position, data, metadata, time)
SELECT u.id, u.stream_name, u.type, u.position, u.data::jsonb, u.metadata::jsonb,
  u.time AT TIME ZONE 'UTC'
FROM unnest(
  %s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[]
) WITH ORDINALITY AS u (id, stream_name, type, position, data, metadata, time, number)
ORDER BY u.number
