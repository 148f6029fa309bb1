-- name: copied
-- The copy that the store is, or no row.
SELECT source, first_global_position, first_id, last_global_position, last_id, messages,
  source_messages, step_messages, time_from, time_to, clamped_to,   started_at, opened_at, opened_after
FROM @extschema@.copied

-- name: begin_copy
SELECT source, first_global_position, first_id, last_global_position, last_id, messages,
  source_messages, step_messages, time_from, time_to, clamped_to,   started_at, opened_at, opened_after
FROM @extschema@.begin_copy(%s::text, %s::bigint, %s::uuid, %s::timestamptz, %s::timestamptz, %s::bigint, %s::bigint, %s::integer)

-- name: fill_incoming
COPY pg_temp.coldstream_incoming (
  global_position, position, time, stream_name, type, data, metadata, id, correlation_category
) FROM STDIN (FORMAT binary)

-- name: copy_incoming
SELECT messages, first_time, last_id FROM @extschema@.copy_incoming(%s::bigint, %s::bigint)

-- name: open_copied
SELECT source, first_global_position, first_id, last_global_position, last_id, messages,
  source_messages, step_messages, time_from, time_to, clamped_to,   started_at, opened_at, opened_after
FROM @extschema@.open_copied(%s::bigint)

-- name: times_and_chunks
-- What a message's time is held against, and the length of a chunk.
SELECT pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp() + s.max_clock_lead,
  timestamptz '0001-01-02 00:00:00+00' + s.chunk_interval, s.chunk_interval, s.columnstore
FROM @extschema@.store AS s

-- name: chunks_to_compress
-- Chunks of which nothing is expected any more that are not, or not wholly, in the columnstore.
SELECT h.range_start
FROM @extschema@.hypertable_chunks() AS h
LEFT JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
WHERE h.range_end <= least(%s::timestamptz, pg_catalog.clock_timestamp())
  AND coalesce(c.state, 'open') IN ('open', 'closed')
ORDER BY h.range_start

-- name: source_form
-- Of a table that is to be copied: what it is, and what its columns are.
SELECT c.oid, c.relkind::text,
  pg_catalog.pg_is_in_recovery()
    OR EXISTS (SELECT FROM pg_catalog.pg_subscription_rel AS r WHERE r.srrelid = c.oid),
  pg_catalog.has_table_privilege(c.oid, 'SELECT'),
  (SELECT pg_catalog.jsonb_object_agg(
      a.attname, pg_catalog.jsonb_build_array(
        pg_catalog.format_type(a.atttypid, NULL),
        (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef AS d
         WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)
      ))
   FROM pg_catalog.pg_attribute AS a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT s.reset_val FROM pg_catalog.pg_settings AS s WHERE s.name = 'TimeZone'),
  EXISTS (
    SELECT FROM pg_catalog.pg_class AS o
    WHERE o.relnamespace = c.relnamespace AND o.relname = 'archive_files'
  ),
  ARRAY(
    SELECT pg_catalog.pg_get_indexdef(i.indexrelid, 1, true) || CASE
      WHEN i.indisunique AND i.indnkeyatts = 1 THEN ' unique'
      WHEN i.indisunique AND i.indnkeyatts = 2 THEN ' ' || pg_catalog.pg_get_indexdef(i.indexrelid, 2, true) || ' unique'
      ELSE '' END
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = c.oid AND i.indpred IS NULL AND i.indisvalid
  ),
  (SELECT max(s.seqcache) FROM pg_catalog.pg_sequence AS s
   JOIN pg_catalog.pg_depend AS d ON d.objid = s.seqrelid
   WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
     AND d.refobjsubid = a.attnum)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'global_position'
WHERE n.nspname = %s AND c.relname = 'messages' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')

-- name: source_bytes
-- What the table and its indexes take, with the chunks that a hypertable is made of.
WITH RECURSIVE tables AS (
  SELECT %s::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN tables AS t ON i.inhparent = t.oid
)
SELECT coalesce(sum(pg_catalog.pg_table_size(t.oid)), 0)::bigint,
  coalesce(sum(pg_catalog.pg_indexes_size(t.oid)), 0)::bigint
FROM tables AS t

-- name: source_chunks
-- What the source has, by the chunks that it would be in: and what cannot be kept.
SELECT (pg_catalog.floor(extract(epoch FROM r.time) / {seconds}) * {seconds})::bigint AS chunk, count(*),
  min(r.global_position), max(r.global_position), min(r.time), max(r.time),
  count(*) FILTER (WHERE r.global_position < 1 OR r.position < 0 OR r.stream_name = '' OR r.is_incomplete),
  sum(r.bytes)
FROM (
  SELECT m.global_position, m.position, m.stream_name,
    -- What a program has dates for: source_outside finds the others.
    least(greatest({bounded}, '0001-01-01 00:00:00+00'), '9999-12-31 00:00:00+00') AS time,
    m.id IS NULL OR m.type IS NULL OR m.stream_name IS NULL OR m.position IS NULL AS is_incomplete,
    coalesce(pg_catalog.pg_column_size(m.data), 0)::bigint + coalesce(pg_catalog.pg_column_size(m.metadata), 0) AS bytes
  FROM {table} AS m
) AS r
GROUP BY 1

-- name: source_outside
-- Messages whose times no store takes: how many, and the first of them.
SELECT count(*), min(m.global_position), min({time})::text, max({time})::text
FROM {table} AS m
WHERE NOT ({time} >= {lowest} AND {time} <= {highest})

-- name: source_repeated_ids
SELECT m.id::text, count(*) FROM {table} AS m GROUP BY m.id HAVING count(*) > 1 LIMIT 1

-- name: source_repeated_positions
SELECT m.stream_name || ' ' || m.position, count(*) FROM {table} AS m
GROUP BY m.stream_name, m.position HAVING count(*) > 1 LIMIT 1

-- name: source_repeated_global_positions
SELECT m.global_position, count(*) FROM {table} AS m GROUP BY 1 HAVING count(*) > 1 LIMIT 1

-- name: source_first
SELECT m.global_position, m.id FROM {table} AS m ORDER BY m.global_position LIMIT 1

-- name: source_at
SELECT m.id FROM {table} AS m WHERE m.global_position = %s

-- name: source_last
SELECT coalesce(max(m.global_position), 0) FROM {table} AS m

-- name: source_bound
-- The next messages of the source: how many, and the last one's position.
SELECT count(*), max(b.global_position)
FROM (
  SELECT m.global_position FROM {table} AS m
  WHERE m.global_position > {after} AND m.global_position <= {last}
  ORDER BY m.global_position LIMIT {rows}
) AS b

-- name: source_rows
COPY (
  SELECT m.global_position, m.position, {bounded}, m.stream_name::text, m.type::text, {data}, {metadata}, {id},
    coalesce(split_part({correlation}, '-', 1), '-')
  FROM {table} AS m
  WHERE m.global_position > {after} AND m.global_position <= {last}
  ORDER BY m.global_position
) TO STDOUT (FORMAT binary)

-- name: source_writers
-- The transactions, other than this one, that hold the lock of a write to the source: by their virtual ids,
-- which a transaction keeps when it is prepared.
SELECT DISTINCT l.virtualtransaction
FROM pg_catalog.pg_locks AS l
WHERE l.locktype = 'relation' AND l.relation = %s::oid AND l.mode = 'RowExclusiveLock' AND l.granted
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())

-- name: source_digests
-- Of the messages between two positions, how many each stream has and the sums of their hashes: as row_hash
-- and digest_range have them, by functions that every PostgreSQL has.
SELECT h.stream_name, count(*), sum(('x' || left(h.hash, 16))::bit(64)::bigint),
  sum(('x' || substr(h.hash, 17, 16))::bit(64)::bigint)
FROM (
  SELECT r.stream_name, encode(sha256(convert_to(
    r.global_position || ' ' || r.position || ' ' || (extract(epoch FROM r.time) * 1000000)::bigint || ' '
      || r.id || ' ' || length(r.stream_name) || ' ' || length(r.type) || ' '
      || coalesce(length(r.data)::text, '-') || ' ' || coalesce(length(r.metadata)::text, '-') || E'\n'
      || r.stream_name || r.type || coalesce(r.data, '') || coalesce(r.metadata, ''),
    'UTF8'
  )), 'hex') AS hash
  FROM (
    SELECT m.global_position, m.position, {bounded} AS time, {id} AS id, m.stream_name::text AS stream_name,
      m.type::text AS type, {data} AS data, {metadata} AS metadata
    FROM {table} AS m
    WHERE m.global_position > {after} AND m.global_position <= {last}
    OFFSET 0
  ) AS r
  OFFSET 0
) AS h
GROUP BY h.stream_name

-- name: copied_digests
-- The same of the store.
SELECT h.stream_name, count(*), sum(@extschema@.int_64(h.hash, 1)), sum(@extschema@.int_64(h.hash, 9))
FROM (
  SELECT r.stream_name, @extschema@.row_hash(
    r.global_position, r.position, r.time, r.id, r.stream_name, r.type, r.data, r.metadata
  ) AS hash
  FROM (
    SELECT m.global_position, m.position, m.time, m.id, m.stream_name, m.type, m.data::text AS data,
      m.metadata::text AS metadata
    FROM @extschema@.messages AS m
    WHERE m.global_position > %(after)s::bigint AND m.global_position <= %(last)s::bigint
      AND m.position_bucket BETWEEN %(after)s::bigint >> 14 AND %(last)s::bigint >> 14
    OFFSET 0
  ) AS r
  OFFSET 0
) AS h
GROUP BY h.stream_name

-- name: left_ranges
-- How many messages between two positions have left the database, by whole chunks.
SELECT coalesce(sum(c.messages), 0)::bigint FROM @extschema@.chunks AS c
WHERE c.state = 'dropped' AND c.last_global_position > %s::bigint AND c.first_global_position <= %s::bigint

-- name: close_copied
SELECT source, first_global_position, first_id, last_global_position, last_id, messages,
  source_messages, step_messages, time_from, time_to, clamped_to, started_at, opened_at, opened_after
FROM @extschema@.close_copied(%s::bigint)

-- name: source_sequence
-- The last global position that the source handed out; NULL where that is not to be seen.
SELECT CASE WHEN pg_catalog.has_sequence_privilege(s.name, 'SELECT') THEN pg_catalog.pg_sequence_last_value(s.name) END
FROM (
  SELECT pg_catalog.pg_get_serial_sequence({relation}, 'global_position')::pg_catalog.regclass AS name
) AS s

-- name: source_rights
-- Whether this role may make the source refuse writes, whether it refuses them, and whether it may write.
SELECT pg_catalog.has_table_privilege(c.oid, 'TRIGGER'),
  pg_catalog.has_schema_privilege(c.relnamespace, 'CREATE'),
  EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgname = 'coldstream_moved'),
  pg_catalog.has_table_privilege(c.oid, 'INSERT')
FROM pg_catalog.pg_class AS c
WHERE c.oid = %s::oid

-- name: refuse_source_writes
-- The lock waits for writers that are at work, and those that come meanwhile wait behind it: then they are
-- refused. The way back passes by a setting, which counts only in a session of the owner's.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_catalog.current_setting('coldstream.copying_back', true) = 'on' AND pg_catalog.pg_has_role(
    SESSION_USER, (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = TG_RELID), 'MEMBER'
  ) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'This Message DB has moved to a Coldstream store, and takes no writes'
    USING ERRCODE = 'read_only_sql_transaction', HINT = 'Connect to the store.';
END;
$$;
CREATE TRIGGER coldstream_moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {function}()

-- name: allow_source_writes
DROP TRIGGER IF EXISTS coldstream_moved ON {table};
DROP FUNCTION IF EXISTS {function}()

-- name: make_returning
CREATE TEMPORARY TABLE coldstream_returning (
  global_position bigint, position bigint, time timestamptz, stream_name text, type text, data text,
  metadata text, id uuid
) ON COMMIT DROP

-- name: fill_returning
COPY coldstream_returning FROM STDIN (FORMAT binary)

-- name: return_messages
-- Where the source's sequence is behind them, it goes on above.
WITH returned AS (
  INSERT INTO {table} (global_position, position, time, stream_name, type, data, metadata, id)
  SELECT r.global_position, r.position, {returned_time}, r.stream_name, r.type, r.data::{json}, r.metadata::{metadata},
    r.id::{uuid}
  FROM coldstream_returning AS r
  ORDER BY r.global_position
  RETURNING global_position
)
SELECT count(*) FROM returned

-- name: lift_source_sequence
SELECT pg_catalog.setval(s.name, greatest({last}, coalesce(pg_catalog.pg_sequence_last_value(s.name), 0)))
FROM (
  SELECT pg_catalog.pg_get_serial_sequence({relation}, 'global_position')::pg_catalog.regclass AS name
) AS s
WHERE s.name IS NOT NULL

-- name: returning_bound
-- The next messages of the store: how many, and the last one's position.
SELECT count(*), max(b.global_position)
FROM (
  SELECT m.global_position FROM @extschema@.messages AS m
  WHERE m.global_position > %(after)s::bigint AND m.global_position <= %(last)s::bigint
    AND m.position_bucket BETWEEN %(after)s::bigint >> 14 AND %(last)s::bigint >> 14
  ORDER BY m.global_position LIMIT %(rows)s::bigint
) AS b

-- name: returning_rows
COPY (
  SELECT m.global_position, m.position, m.time, m.stream_name, m.type, m.data::text, m.metadata::text, m.id
  FROM @extschema@.messages AS m
  WHERE m.global_position > {after} AND m.global_position <= {last}
    AND m.position_bucket BETWEEN {after}::bigint >> 14 AND {last}::bigint >> 14
  ORDER BY m.global_position
) TO STDOUT (FORMAT binary)

-- name: last_in_database
-- What a drop has taken of the messages after a position.
SELECT count(*) FROM @extschema@.chunks AS c
WHERE c.state = 'dropped' AND c.last_global_position > %s::bigint
