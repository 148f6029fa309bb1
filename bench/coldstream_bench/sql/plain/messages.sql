-- Message DB's table as its documentation has it: a plain table, real unique indexes, and one index
-- for categories with their correlation.
CREATE TABLE @extschema@.messages (
  global_position bigserial NOT NULL,
  position bigint NOT NULL,
  time timestamp without time zone NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
  stream_name text NOT NULL,
  type text NOT NULL,
  data jsonb,
  metadata jsonb,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  PRIMARY KEY (global_position)
);

CREATE UNIQUE INDEX messages_id ON @extschema@.messages (id);
CREATE UNIQUE INDEX messages_stream ON @extschema@.messages (stream_name, position);
CREATE INDEX messages_category ON @extschema@.messages (
  @extschema@.category(stream_name::varchar),
  global_position,
  @extschema@.category(metadata ->> 'correlationStreamName')
);
