-- The versions of these streams, in their order: -1 for one that has no messages.
SELECT u.stream_name, coalesce(@extschema@.stream_version(u.stream_name), -1)
FROM unnest(%s) WITH ORDINALITY AS u (stream_name, number)
ORDER BY u.number
