-- currval is the message's own: this session has drawn no global position since.
SELECT w.position, currval('@extschema@.messages_global_position_seq') AS global_position
FROM @extschema@.write_message(%s, %s, %s, %s::jsonb, %s::jsonb, %s) AS w (position)
