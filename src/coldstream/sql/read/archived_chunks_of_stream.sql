-- audience: part
-- What the ledger lists for a read of a stream from a position on, as JSON: its epoch, and the archived files
-- that may have messages of it, oldest first. They are those of the first few chunks that have left the database
-- (see dropped_chunks_of_stream) among whose names its name is; a chunk that was dropped by force has a row
-- without a file. next: not null where some are not listed. in_order: the stream's positions follow the order of
-- the chunks that are listed, and of those that are not: neither do positions go back in time, nor do ranges
-- overlap. version: the stream's. The last column of a file: the stream is in it, and not only may be.
CREATE OR REPLACE FUNCTION @extschema@.archived_chunks_of_stream(
  stream_name text,
  "position" bigint,
  max_chunks bigint
)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    WITH listed AS (
      SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
        -- The stream begins or ends in it.
        h.first_time >= c.range_start OR h.time < c.range_end AS is_end,
        pg_catalog.row_number() OVER (ORDER BY c.range_start) AS number,
        c.range_start < pg_catalog.max(c.range_end) OVER (
          ORDER BY c.range_start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS overlaps
      FROM @extschema@.dropped_chunks_of_stream($1, $2, $3 + 1) AS l (range_start)
      JOIN @extschema@.chunks AS c ON c.range_start = l.range_start
      JOIN @extschema@.streams AS h
        ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid AND h.stream_name = $1
    )
    SELECT pg_catalog.json_build_object(
      'epoch', s.archive_epoch,
      'next', (SELECT 1 FROM listed AS l WHERE l.number = $3 + 1),
      'in_order', h.time_ordered AND NOT EXISTS (SELECT FROM listed AS l WHERE l.overlaps),
      'version', h.position,
      'files', (
        SELECT pg_catalog.json_agg(
          pg_catalog.json_build_array(
            u.range_start, u.range_end, u.archive_url, u.archive_url <> s.archive_url,
            u.object, u.archive_format, u.bytes, u.sha256, u.footer_bytes, u.footer_sha256,
            u.first_global_position, u.last_global_position, u.has_stream
          )
          ORDER BY u.range_start, u.file_number
        )
        FROM (
          SELECT c.range_start, c.range_end, c.archive_url, c.archive_format, f.object, f.bytes, f.sha256,
            f.footer_bytes, f.footer_sha256, f.first_global_position, f.last_global_position,
            f.number AS file_number,
            -- Where its name is among those of several files, it may not be in each of them.
            c.is_end AND pg_catalog.count(*) OVER (PARTITION BY c.range_start) = 1 AS has_stream
          FROM listed AS c
          -- One by one: the planner would rather hash all files.
          LEFT JOIN LATERAL (
            SELECT a.* FROM @extschema@.archive_files AS a WHERE a.range_start = c.range_start OFFSET 0
          ) AS f ON true
          WHERE c.number <= $3 AND (
            f.first_stream_name IS NULL
            OR $1 COLLATE "C" BETWEEN f.first_stream_name AND f.last_stream_name
          )
        ) AS u
      )
    )::text
    FROM @extschema@.store AS s
    LEFT JOIN @extschema@.streams AS h
      ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid AND h.stream_name = $1
  );
END;
$$;
