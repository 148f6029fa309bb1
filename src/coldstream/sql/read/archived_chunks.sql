-- audience: part
-- What the ledger lists for a read of a category (NULL: of any) from a global position on, as JSON: its epoch,
-- and the archived files that may have messages of it. They are those of the first few chunks that have left the
-- database, by the position of their first message; a chunk that was dropped by force has a row without a file.
-- next: where the first chunk that is not listed begins, null where all are.
CREATE OR REPLACE FUNCTION @extschema@.archived_chunks(
  category text,
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
      SELECT u.*, pg_catalog.row_number() OVER (ORDER BY u.first_global_position) AS number
      FROM (
        (
          SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
            r.first_global_position, r.last_global_position
          FROM @extschema@.chunk_categories AS r
          JOIN @extschema@.chunks AS c ON c.range_start = r.range_start
          WHERE r.category = $1 AND r.last_global_position >= $2 AND c.state = 'dropped'
          ORDER BY r.first_global_position
          LIMIT $3 + 1
        )
        UNION ALL
        (
          SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
            c.first_global_position, c.last_global_position
          FROM @extschema@.chunks AS c
          WHERE $1 IS NULL AND c.last_global_position >= $2 AND c.state = 'dropped'
          ORDER BY c.first_global_position
          LIMIT $3 + 1
        )
      ) AS u
    )
    SELECT pg_catalog.json_build_object(
      'epoch', s.archive_epoch,
      'next', (SELECT l.first_global_position FROM listed AS l WHERE l.number = $3 + 1),
      'files', (
        SELECT pg_catalog.json_agg(
          pg_catalog.json_build_array(
            c.range_start, c.range_end, c.archive_url, c.archive_url <> s.archive_url,
            f.object, c.archive_format, f.bytes, f.sha256, f.footer_bytes, f.footer_sha256,
            greatest(f.first_global_position, c.first_global_position),
            least(f.last_global_position, c.last_global_position)
          )
          ORDER BY c.range_start, f.number
        )
        FROM listed AS c
        -- One by one: the planner would rather hash all files.
        LEFT JOIN LATERAL (
          SELECT a.* FROM @extschema@.archive_files AS a WHERE a.range_start = c.range_start OFFSET 0
        ) AS f ON true
        WHERE c.number <= $3
          -- The names of a category's streams are the category, or begin with it and a hyphen, which a full
          -- stop follows in the order of names.
          AND (
            $1 IS NULL OR f.first_stream_name IS NULL
            OR f.last_stream_name >= $1 COLLATE "C"
            AND f.first_stream_name < ($1 || '.') COLLATE "C"
          )
          -- Of a category whose messages come before all of the file's, or after them, it has none.
          AND (
            f.object IS NULL OR greatest(f.first_global_position, c.first_global_position, $2)
              <= least(f.last_global_position, c.last_global_position)
          )
      )
    )::text
    FROM @extschema@.store AS s
  );
END;
$$;
