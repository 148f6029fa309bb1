-- What bench/profiles/columnstore_profile.py measures with: parts named by their headings. @schema@: of the run.

-- name: source
CREATE UNLOGGED TABLE @schema@.source (
  global_position bigint, position bigint, time timestamptz, stream_name text, type text,
  data text, metadata text, id uuid
)

-- name: fill
INSERT INTO @schema@.source
SELECT u.global_position, u.position, u.time, u.stream_name, u.type,
  u.data::jsonb::text, u.metadata::jsonb::text, u.id
FROM unnest(
  %s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[]
) AS u (global_position, position, time, stream_name, type, data, metadata, id)

-- name: table
CREATE TABLE @schema@.form (
  global_position bigint NOT NULL, position bigint NOT NULL, time timestamptz NOT NULL,
  stream_name text NOT NULL, type text NOT NULL, data @type@, metadata @type@, id uuid NOT NULL,
  stream_category text NOT NULL GENERATED ALWAYS AS (split_part(stream_name, '-', 1)) STORED,
  position_bucket bigint NOT NULL
)

-- name: hypertable
SELECT public.create_hypertable(
  '@schema@.form', public.by_range('time', INTERVAL '90 days'), create_default_indexes => false
)

-- name: layout
ALTER TABLE @schema@.form SET (
  timescaledb.compress, timescaledb.compress_segmentby = '',
  timescaledb.compress_orderby = 'position_bucket, stream_category, stream_name, position',
  timescaledb.sparse_index =
    'bloom(stream_category, stream_name), bloom(id), minmax(global_position)'
)

-- name: rows
INSERT INTO @schema@.form
  (global_position, position, time, stream_name, type, data, metadata, id, position_bucket)
SELECT global_position, position, time, stream_name, type, data::@type@, metadata::@type@, id,
  global_position >> @bits@
FROM @schema@.source
ORDER BY global_position

-- name: compress
SELECT public.compress_chunk(c) FROM public.show_chunks('@schema@.form') AS c

-- name: bytes
SELECT sum(pg_total_relation_size(s.compress_relid))
FROM _timescaledb_catalog.compression_settings AS s
WHERE s.relid IN (SELECT public.show_chunks('@schema@.form'))

-- name: drop
DROP TABLE @schema@.form

-- name: sample
SELECT stream_name, min(time), max(time) FROM @schema@.source
WHERE stream_name LIKE 'account-%' AND global_position BETWEEN @middle@ AND @middle@ + 20000
GROUP BY stream_name HAVING count(*) >= 6 ORDER BY stream_name LIMIT 1

-- name: page
SELECT id::varchar, stream_name::varchar, type::varchar, position, global_position, data::varchar,
  metadata::varchar, time
FROM @schema@.form
WHERE stream_category = 'account' AND global_position BETWEEN @middle@ AND @middle@ + 4200
  AND position_bucket BETWEEN @middle@ >> @bits@ AND (@middle@ + 4200) >> @bits@
ORDER BY global_position LIMIT 1000

-- name: bucket
SELECT id::varchar, stream_name::varchar, type::varchar, position, global_position, data::varchar,
  metadata::varchar, time
FROM @schema@.form
WHERE stream_category = 'account' AND global_position BETWEEN @middle@ AND @middle@ + 16383
  AND position_bucket BETWEEN @middle@ >> @bits@ AND (@middle@ + 16383) >> @bits@

-- name: stream
SELECT id::varchar, stream_name::varchar, type::varchar, position, global_position, data::varchar,
  metadata::varchar, time
FROM @schema@.form
WHERE stream_name = %s AND stream_category = 'account' AND position BETWEEN 0 AND 9
  AND time BETWEEN %s AND %s
ORDER BY position LIMIT 10
