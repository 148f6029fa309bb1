-- Consumers: where each is, who works for it, and what it could not handle.

-- One row a member of a consumer. A consumer that is not a group is a group of one, so that a second
-- process that is started with its name waits instead of doing everything twice.
--
-- Every commit of a consumer updates its row: no index may name what changes, and pages keep room.
CREATE TABLE @extschema@.consumers (
  consumer text NOT NULL,
  member integer NOT NULL CHECK (member >= 0 AND member < size),
  size integer NOT NULL CHECK (size >= 1),
  -- A category, or a stream's name; empty: everything.
  source text NOT NULL,
  -- Where the next read begins: everything before it is handled. Of a stream a position, otherwise a
  -- global position.
  position bigint NOT NULL,
  recorded_at timestamptz,
  is_paused boolean NOT NULL DEFAULT false,
  -- Who may handle messages of this member, until when. The token changes with every hand-over, and
  -- whoever records a position has to name it: so what a former owner did is rolled back.
  owner text,
  token bigint NOT NULL DEFAULT 0,
  lease_until timestamptz,
  PRIMARY KEY (consumer, member)
) WITH (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);

-- The processes that work for a consumer, or wait to: the members are divided among them.
CREATE TABLE @extschema@.consumer_owners (
  consumer text NOT NULL,
  owner text NOT NULL,
  joined_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  expires_at timestamptz NOT NULL,
  -- The one member that this process asks for; NULL: its share of all.
  member integer,
  address inet DEFAULT pg_catalog.inet_client_addr(),
  PRIMARY KEY (consumer, owner)
);

-- Messages that a consumer went past without having handled them. Whoever reads it years later has this
-- alone, so it refers to nothing.
CREATE TABLE @extschema@.consumer_failures (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  consumer text NOT NULL,
  member integer NOT NULL,
  message_id uuid NOT NULL,
  stream_name text NOT NULL,
  type text NOT NULL,
  position bigint NOT NULL,
  global_position bigint NOT NULL,
  attempts integer NOT NULL,
  error text NOT NULL,
  -- The stream that the message was written to instead; NULL: it was skipped.
  dead_letter_stream text
);
CREATE INDEX consumer_failures_consumer ON @extschema@.consumer_failures (consumer, id);

-- Whether writes wake consumers by NOTIFY (set_notify): every commit pays for it.
ALTER TABLE @extschema@.store ADD COLUMN notify boolean NOT NULL DEFAULT false;
