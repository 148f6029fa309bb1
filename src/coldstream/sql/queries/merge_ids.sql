-- An id that a message of another range has is that message's.
INSERT INTO @extschema@.recent_ids (id, global_position)
SELECT u.id, u.global_position
FROM unnest(%s::uuid[], %s::bigint[]) AS u (id, global_position)
ON CONFLICT DO NOTHING
