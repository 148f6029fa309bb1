-- The last global position that was drawn; not the frontier: a writer may be at work below it.
SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END
FROM @extschema@.messages_global_position_seq AS s
