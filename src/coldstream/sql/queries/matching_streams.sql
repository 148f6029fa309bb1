-- Of these streams, those that a pattern matches, and whether one of the earlier patterns does.
SELECT u.name, @extschema@.stream_matches(u.name, %(loaded)s)
FROM unnest(%(names)s::text[]) AS u (name)
WHERE @extschema@.stream_matches(u.name, %(streams)s)
