-- audience: internal; needs timescale
-- Compares what a manifest says of a chunk with what the ledger counted: how many messages and streams, the
-- first and last global positions and times, and all categories. Each was found by itself, one from what
-- was exported and one under the chunk's lock, so any difference means that one of them did not see all of
-- it. Asked before a manifest is committed, when it is recorded, and when its files are proved.
CREATE OR REPLACE FUNCTION @extschema@.check_manifest(range_start timestamptz, manifest jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _other record;
BEGIN
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;

  SELECT v.what, v.ledger, v.manifest INTO _other
  FROM (VALUES
    ('the start of the range', _row.range_start::text, ($2 ->> 'range_start')::timestamptz::text),
    ('the end of the range', _row.range_end::text, ($2 ->> 'range_end')::timestamptz::text),
    ('messages', _row.messages::text, $2 ->> 'rows'),
    ('messages of its files', _row.messages::text, (
      SELECT sum((f.file ->> 'rows')::bigint)::text FROM jsonb_array_elements($2 -> 'files') AS f (file)
    )),
    ('streams', _row.streams::text, $2 ->> 'streams'),
    ('the first global position', _row.first_global_position::text, $2 ->> 'first_global_position'),
    ('the last global position', _row.last_global_position::text, $2 ->> 'last_global_position'),
    ('the first time', _row.first_time::text, ($2 ->> 'first_time')::timestamptz::text),
    ('the last time', _row.last_time::text, ($2 ->> 'last_time')::timestamptz::text)
  ) AS v (what, ledger, manifest)
  WHERE v.ledger IS DISTINCT FROM v.manifest
  LIMIT 1;

  IF NOT FOUND THEN
    SELECT format('messages of the category %s', category) AS what,
      l.counted::text AS ledger, m.counted::text AS manifest
    INTO _other
    FROM (
      SELECT r.category, (r.messages, r.first_global_position, r.last_global_position) AS counted
      FROM @extschema@.chunk_categories AS r
      WHERE r.range_start = $1
    ) AS l
    FULL JOIN (
      SELECT r.category, (r.messages, r.first_global_position, r.last_global_position) AS counted
      FROM jsonb_to_recordset($2 -> 'categories') AS r (
        category text, messages bigint, first_global_position bigint, last_global_position bigint
      )
    ) AS m USING (category)
    WHERE l.counted IS DISTINCT FROM m.counted
    LIMIT 1;
  END IF;

  IF FOUND THEN
    RAISE EXCEPTION 'The archive of % to % and the ledger differ in %: % instead of %',
      _row.range_start, _row.range_end, _other.what,
      coalesce(_other.manifest, 'none'), coalesce(_other.ledger, 'none')
      USING
        ERRCODE = 'CS009',
        HINT = 'Nothing was dropped. Where rows were changed by hand: SELECT @extschema@.recount_range('
          || quote_literal(_row.range_start) || '), then "coldstream archive --again".';
  END IF;
END;
$$;
