-- What select_messages reads for the last message.
-- Parameters of the statement: $1 stream, $2 category, $3 batch size, $4 position, $5 type.
_filter constant text := 'm.stream_name = $1 AND m.stream_category = $2 AND '
  || CASE WHEN $2 IS NULL THEN 'm.position = $4' ELSE 'm.type = $5' END;
