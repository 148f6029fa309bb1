-- What select_messages reads of one stream.
-- Parameters of the statement: $1 stream, $2 first and $5 last position, $3 batch size, $4 category,
-- which lets the columnstore skip batches.
_filter constant pg_catalog.text :=
  'm.stream_name OPERATOR(pg_catalog.=) $1 AND m.stream_category OPERATOR(pg_catalog.=) $4
AND m.position OPERATOR(pg_catalog.>=) $2 AND m.position OPERATOR(pg_catalog.<=) $5';
