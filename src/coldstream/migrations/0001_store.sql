-- The storage of one store: the messages, the heads and the ledger. What makes messages a hypertable, or an
-- ordinary table with unique indexes, is in engines: it runs after this.
-- Runs once. Later changes to these objects are migrations of their own.

-- Message DB's eight columns in Message DB's order, then what the columnstore sorts by.
CREATE TABLE @extschema@.messages (
  -- What a plain INSERT leaves out gets the next of the sequence from the trigger, under the category's
  -- lock. Drawn by the default it would be handed out before; NULL is an error, as in Message DB.
  global_position bigint NOT NULL DEFAULT -9223372036854775808,
  position bigint NOT NULL,
  time timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  stream_name text NOT NULL,
  type text NOT NULL,
  -- The text of jsonb: json keeps it to the byte, where jsonb in the columnstore gives values that are equal
  -- one text (1.10 and 1.1), and is text for readers without being made into it. Nothing else ever gets
  -- in: the write functions take jsonb, the triggers make it of what a plain statement brings.
  data json,
  metadata json,
  id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  -- Not "category": Message DB's users write category(stream_name) AS category ... GROUP BY category, and
  -- there a column takes precedence over the alias.
  stream_category text NOT NULL GENERATED ALWAYS AS (pg_catalog.split_part(stream_name, '-', 1)) STORED,
  -- Of metadata's correlationStreamName; '-', which is in no category, where there is none. Few values, so
  -- next to nothing in the columnstore: a page with correlation reads no JSON but that of its hits. Not
  -- generated: PostgreSQL reads a generated column's expression anew for each statement, and this one would
  -- parse the JSON once more. Not NULL: whoever passes the triggers and leaves it out gets an error, where
  -- a page with correlation would miss the message.
  correlation_category text NOT NULL,
  -- global_position >> 14. Not generated: that it is missing tells the trigger a plain INSERT from a
  -- write function's, and no other sign is as cheap to look at.
  position_bucket bigint NOT NULL
);

CREATE SEQUENCE @extschema@.messages_global_position_seq OWNED BY @extschema@.messages.global_position;

-- The heads: one row a stream. Every write updates position and time, so no index may name them
-- (the update would no longer be HOT), and pages keep room for the new row version. For short streams
-- heads are what the store is made of next to the messages: the order of columns leaves no gaps, pages
-- are filled to nineteen twentieths (what stays free has room for the versions that pass through a page
-- between two looks at it, so updates stay HOT; a full page has not, and they would add to the key), and
-- the key is a hash, for names are long and come in no order. Two names of one hash do not share a
-- head: whoever asks for a key asks for the name too, and the second name is refused.
CREATE TABLE @extschema@.streams (
  position bigint NOT NULL,
  first_time timestamptz NOT NULL,
  time timestamptz NOT NULL,
  -- False once a plain INSERT put a message out of the order of time: then positions say nothing
  -- about time, and a read may not stop at the first chunk that fills its page.
  time_ordered boolean NOT NULL DEFAULT true,
  stream_name text NOT NULL
) WITH (
  fillfactor = 95,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000
);
CREATE UNIQUE INDEX streams_key ON @extschema@.streams ((pg_catalog.md5(stream_name)::uuid));
-- An expression identifies no row to logical replication, and a published table without an identity
-- refuses every update.
ALTER TABLE @extschema@.streams REPLICA IDENTITY FULL;

-- The ledger: one row a chunk, whatever its tier. The range identifies it: a chunk that comes back
-- from the archive has another name and the same range.
CREATE TABLE @extschema@.chunks (
  range_start timestamptz PRIMARY KEY,
  range_end timestamptz NOT NULL CHECK (range_end > range_start),
  chunk_name text,
  state text NOT NULL CHECK (state IN (
    'open', 'closed', 'compressed', 'sealed', 'exporting', 'exported', 'verified', 'dropped', 'rehydrated'
  )),
  -- What was counted when it was last closed, also while late data has it open again: a chunk that then
  -- has fewer lost some.
  messages bigint,
  streams bigint,
  first_global_position bigint,
  last_global_position bigint,
  first_time timestamptz,
  last_time timestamptz,
  -- The file of the chunk's table when it was last found to have all that were counted. TRUNCATE makes
  -- another, and so does whatever writes the table anew.
  filenode oid,
  -- Somebody deleted some of them since they were counted, so that fewer are no loss.
  thinned boolean NOT NULL DEFAULT false,
  row_bytes bigint,
  columnstore_bytes bigint,
  -- Of all files; archive_object is the first one's (see archive_files).
  archive_bytes bigint,
  archive_files integer,
  archive_format text,
  archive_url text,
  archive_object text,
  archive_manifest text,
  digest text,
  -- As row_versions() gave it when the rows' digest was last found to be this one.
  row_versions text,
  closed_at timestamptz,
  compressed_at timestamptz,
  sealed_at timestamptz,
  exported_at timestamptz,
  verified_at timestamptz,
  dropped_at timestamptz,
  rehydrated_at timestamptz,
  -- The lifecycle's policy does not drop it before this; 'infinity': never.
  kept_until timestamptz,
  -- Some streams of a dropped range that are in the database all the same, in a chunk of this name with
  -- exactly this range: those that one of the patterns matches (stream_matches), each with all of its
  -- messages of the range or with none. To everybody who does not ask for one of them the range is
  -- dropped: the chunk must never be taken for all of it.
  part_name text,
  part_streams text[],
  part_messages bigint,
  part_digest text,
  -- What else than archive_manifest and digest the newest manifest of the range may be: the one that is
  -- about to be committed, or the one that a rebuild took in. Over any other none is committed.
  seen_manifest text,
  seen_digest text,
  -- Only a chunk whose rows are in the database has a name.
  CHECK ((state = 'dropped') = (chunk_name IS NULL)),
  CHECK (part_name IS NULL OR state = 'dropped'),
  CHECK (pg_catalog.num_nulls(part_name, part_streams, part_messages, part_digest) IN (0, 4))
);

-- The files of each archived range: one, or several where a chunk is large.
--
-- Neither this table nor chunk_categories has a foreign key: a restore of the schema and then of the data
-- loads them before chunks. forget_range takes their rows with the chunk's.
CREATE TABLE @extschema@.archive_files (
  range_start timestamptz NOT NULL,
  -- In the archive's order, by stream name: from 1.
  number integer NOT NULL CHECK (number > 0),
  object text NOT NULL,
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  footer_bytes bigint,
  footer_sha256 text,
  messages bigint NOT NULL,
  -- The least and the greatest in it, so that a read of one stream opens no file without it. In the
  -- order of the file, and NULL where that is not known: then any stream may be in it.
  first_stream_name text COLLATE "C",
  last_stream_name text COLLATE "C",
  first_global_position bigint,
  last_global_position bigint,
  PRIMARY KEY (range_start, number)
);

-- What became of each chunk, and who did it: a row for every statement that sets a state. A reader
-- years later has this alone, so it refers to nothing.
CREATE TABLE @extschema@.transitions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  range_start timestamptz NOT NULL,
  range_end timestamptz NOT NULL,
  from_state text,
  to_state text NOT NULL,
  role text NOT NULL DEFAULT SESSION_USER,
  application text NOT NULL DEFAULT pg_catalog.current_setting('application_name'),
  address inet DEFAULT pg_catalog.inet_client_addr(),
  messages bigint,
  bytes bigint,
  seconds double precision
);
CREATE INDEX transitions_chunk ON @extschema@.transitions (range_start);
CREATE INDEX transitions_state ON @extschema@.transitions (to_state, id);

-- Exact ranges of global positions, per category and chunk, written when a chunk closes.
CREATE TABLE @extschema@.chunk_categories (
  category text NOT NULL,
  first_global_position bigint NOT NULL,
  range_start timestamptz NOT NULL,
  last_global_position bigint NOT NULL,
  messages bigint NOT NULL,
  PRIMARY KEY (category, first_global_position, range_start)
);
CREATE INDEX chunk_categories_chunk ON @extschema@.chunk_categories (range_start);
CREATE INDEX chunks_global_position ON @extschema@.chunks (first_global_position);
-- A read looks for the chunks from a time on, and for those that late data opened again, among any
-- number of others.
CREATE INDEX chunks_range_end ON @extschema@.chunks (range_end);
-- Which chunks a time lies in. Ranges may overlap: one that became longer reaches back over those that
-- have left.
CREATE INDEX chunks_range ON @extschema@.chunks
  USING gist (pg_catalog.tstzrange(range_start, range_end));
CREATE INDEX chunks_open ON @extschema@.chunks (range_start) WHERE state = 'open';

-- Where to begin reading the middle of a long-lived stream: messages from this position on are not
-- before range_start, and those before it are. Only every second to fourth chunk of a stream has one
-- (see mark_streams), so what lives shorter has none. Used for streams whose positions follow time, and
-- then never untrue: no later message can be before one that is there.
CREATE TABLE @extschema@.stream_marks (
  -- As the key of streams: names are long.
  stream_key uuid NOT NULL,
  position bigint NOT NULL,
  range_start timestamptz NOT NULL,
  PRIMARY KEY (stream_key, position)
);

-- A number of this store alone, of which a dump has three copies: in its schema (this function, which
-- planning makes a constant), in its rows (store) and in its sequences (closed_before). Where they differ,
-- a part of another store was loaded into this one, or of this one into another: see is_mixed.
DO $$
BEGIN
  EXECUTE pg_catalog.format(
    'CREATE FUNCTION @extschema@.store_token() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
     AS ''SELECT %s::bigint''',
    -- The bits from 40 on: those below are for a time in seconds.
    (1 + pg_catalog.floor(pg_catalog.random() * 4194302)::bigint) << 40
  );
END;
$$;

-- One row: what a write must know about the ledger without reading it.
CREATE TABLE @extschema@.store (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- The store's token (see above).
  token bigint NOT NULL,
  -- What messages is: a hypertable, or an ordinary table, of which the ledger has no row.
  engine text NOT NULL DEFAULT 'timescale' CHECK (engine IN ('timescale', 'postgres')),
  -- Tells two stores of one name apart that share an archive location.
  id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  -- Where it archives, once something has been exported there; never with credentials.
  archive_url text,
  -- No chunk that ends after this is closed: a message at or after it needs no look at the ledger.
  -- It never goes back, but when messages is truncated.
  closed_before timestamptz NOT NULL DEFAULT '-infinity',
  -- Every chunk in row form starts at or after this: ids are unique from here on.
  rows_since timestamptz NOT NULL DEFAULT '-infinity',
  -- Every id of a message in the database at or after this global position is in recent_ids. It never
  -- goes back, but when messages is truncated.
  ids_from bigint NOT NULL DEFAULT 0,
  -- Changes whenever a range leaves or re-enters the database.
  archive_epoch bigint NOT NULL DEFAULT 0,
  -- What has left the database is before this.
  left_before timestamptz NOT NULL DEFAULT '-infinity',
  -- How far a stream's last message may be ahead of the clock before writes to it are refused.
  max_clock_lead interval NOT NULL DEFAULT '1 hour',
  chunk_interval interval NOT NULL DEFAULT '7 days',
  layout text NOT NULL DEFAULT 'bucket' CHECK (layout IN ('bucket', 'stream')),
  -- How PostgreSQL compresses what the columnstore makes of JSON and names: lz4 is read faster, pglz is
  -- smaller. NULL: lz4 where the server has it.
  compression text CHECK (compression IN ('lz4', 'pglz')),
  -- The lifecycle's policy (set_lifecycle_policy): NULL is never.
  compress_after interval DEFAULT '7 days',
  archive_after interval,
  drop_after interval,
  columnstore boolean NOT NULL DEFAULT false,
  -- Whether writes wake consumers by NOTIFY (set_notify): every commit pays for it.
  notify boolean NOT NULL DEFAULT false
);
INSERT INTO @extschema@.store (token) VALUES (@extschema@.store_token());

-- The store's closed_before once more, in seconds rounded up and never below zero, where a write reads it for
-- next to nothing; with the token in the bits above. A sequence does not roll back, so this may be later than
-- the truth and is never earlier; later costs a look at the ledger, earlier would cost a message.
--
-- From the beginning it has a value: where it has none, what copied the store left its sequences out, and
-- global positions would begin anew. With another token it seems to be in the far future. Either way a write
-- looks at the ledger, and admit_time refuses it.
CREATE SEQUENCE @extschema@.closed_before;
SELECT pg_catalog.setval('@extschema@.closed_before', @extschema@.store_token());

CREATE TYPE @extschema@.message AS (
  id varchar,
  stream_name varchar,
  type varchar,
  position bigint,
  global_position bigint,
  data varchar,
  metadata varchar,
  time timestamp
);

-- What a read over positions knows of a closed chunk: its exact range for one category, or for all.
CREATE TYPE @extschema@.chunk_range AS (
  range_start timestamptz,
  range_end timestamptz,
  chunk_name text,
  state text,
  first_global_position bigint,
  last_global_position bigint,
  messages bigint
);

-- The functions as the last install made them, so that others' in their place are noticed.
CREATE TABLE @extschema@.installed_functions (
  signature text PRIMARY KEY,
  digest text NOT NULL
);

-- The archive server (coldstream serve), where one is registered: the FOREIGN SERVER that says where it is and
-- how to log in, and how long a read waits for it.
CREATE TABLE @extschema@.archive_server (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  server_name text NOT NULL,
  time_limit interval NOT NULL
);

-- Who may connect to the store's archive servers. A verifier proves a password and does not give it away.
CREATE TABLE @extschema@.archive_server_users (
  name text PRIMARY KEY,
  verifier text NOT NULL,
  may_query boolean NOT NULL
);

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

-- Messages that a consumer went past without having handled them. A reader years later has this
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

-- One row: which database this is, and how it last said to the archive that it writes there. Whoever
-- restores or copies the database copies this row, and it then names another database, or an older
-- claim than the archive's newest.
CREATE TABLE @extschema@.incarnation (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- The database as it was when the row was written (see place_of_store).
  system_identifier bigint,
  database oid NOT NULL,
  tables oid[] NOT NULL,
  -- The transaction that wrote this version of the row: its xmin. A copy of the files keeps that (pg_upgrade,
  -- too), and a row that was loaded from a dump has another. Every statement that writes the row sets it.
  written_by xid NOT NULL DEFAULT pg_catalog.pg_current_xact_id()::xid,
  -- The last claim: where, which number, its token and the one before it. Written before the object is,
  -- so that a run that is killed in between finds its own.
  archive_url text,
  number bigint NOT NULL DEFAULT 0,
  token uuid,
  previous_token uuid,
  -- The archive has ranges, or messages of a range, that this database lacks: rebuild comes first.
  is_behind boolean NOT NULL DEFAULT false
);

-- One row at most: from which Message DB this store was copied, and how far. The row moves in the
-- transaction that brings the messages, so that a copy that was killed goes on where it was.
CREATE TABLE @extschema@.copied (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- Where it is, for people; never with credentials.
  source text NOT NULL,
  -- The first message of the source, by which it is known again.
  first_global_position bigint NOT NULL,
  first_id uuid NOT NULL,
  -- Every message of the source up to here is in the store; last_id is that of the last one.
  last_global_position bigint NOT NULL DEFAULT 0,
  last_id uuid,
  messages bigint NOT NULL DEFAULT 0,
  -- How many the source had when the copy began, and how many a step brings.
  source_messages bigint NOT NULL,
  step_messages integer NOT NULL CHECK (step_messages > 0),
  -- Times before and after these are brought to them, of the messages up to this position: all that the
  -- source had when the copy began. NULL: of none.
  time_from timestamptz,
  time_to timestamptz,
  clamped_to bigint,
  -- Ids of messages from this time on are in recent_ids. Older ones go into the columnstore at once, and
  -- would only be put there to be taken out again.
  ids_since timestamptz NOT NULL,
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  -- When writers were let in; NULL: they are refused, for their positions would be the source's too.
  opened_at timestamptz,
  -- The last position that was handed out before writers were let in: what is beyond it was written here.
  opened_after bigint
);

-- One row while the store moves to another engine: how far it is, for a run that goes on after one that was
-- killed. Positions are global ones.
CREATE TABLE @extschema@.engine_move (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  to_engine text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  -- Nothing appears up to here any more: every one was drawn, and those that gave one of their own are refused.
  fixed_to bigint NOT NULL DEFAULT 0,
  copied_to bigint NOT NULL DEFAULT 0,
  compared_to bigint NOT NULL DEFAULT 0,
  messages bigint NOT NULL DEFAULT 0,
  -- The store has the new engine; what it had before is still there.
  switched_at timestamptz,
  switch_seconds double precision
);
