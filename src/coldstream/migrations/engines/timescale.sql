-- What a store on TimescaleDB has: messages is a hypertable, whose ids are unique in a table of their own.
-- Runs when the store is made, and when it comes to this engine.

SELECT @extschema:timescaledb@.create_hypertable(
  '@extschema@.messages',
  @extschema:timescaledb@.by_range('time', INTERVAL '7 days'),
  create_default_indexes => false
);

-- No index identifies a row (it would have to contain time), and a published table without an identity
-- refuses every update and delete.
ALTER TABLE @extschema@.messages REPLICA IDENTITY FULL;

CREATE INDEX messages_stream ON @extschema@.messages (stream_name, position);
CREATE INDEX messages_category ON @extschema@.messages (stream_category, global_position);
CREATE INDEX messages_global_position ON @extschema@.messages (global_position);

-- The ids of the messages in row form, which no two of them may share. Not a unique index of messages:
-- that would have to contain time, and guard nothing; and to look an id up in every chunk of the window
-- at each write would be most of the write.
CREATE TABLE @extschema@.recent_ids (
  global_position bigint NOT NULL,
  -- By the name of Message DB's index, which stands in the error that clients look at.
  id uuid CONSTRAINT messages_id PRIMARY KEY
);
