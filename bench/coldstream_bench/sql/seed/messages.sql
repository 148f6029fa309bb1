-- The same columns on a hypertable without heads, as one would make it first: a week a
-- chunk (here: what the benchmark says), one segment a stream, unique indexes that contain the time.
CREATE TABLE @extschema@.messages (
  global_position bigserial NOT NULL,
  position bigint NOT NULL,
  time timestamp without time zone NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
  stream_name text NOT NULL,
  type text NOT NULL,
  data jsonb,
  metadata jsonb,
  id uuid NOT NULL DEFAULT gen_random_uuid()
);

SELECT @timescaledb@.create_hypertable(
  '@extschema@.messages',
  @timescaledb@.by_range('time', INTERVAL '@chunk_interval@'),
  create_default_indexes => false
);

CREATE UNIQUE INDEX messages_id_time ON @extschema@.messages (id, time);
CREATE UNIQUE INDEX messages_stream_position ON @extschema@.messages (stream_name, position, time);
CREATE INDEX messages_global_position ON @extschema@.messages (global_position);
CREATE INDEX messages_category_global ON @extschema@.messages (
  @extschema@.category(stream_name::varchar), global_position
);

ALTER TABLE @extschema@.messages SET (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'stream_name',
  timescaledb.compress_orderby = 'position ASC'
);
