-- audience: part
-- The error of a read that needs history which has left the database. The detail is JSON for clients:
-- the first range that is needed and where it is. can_skip: whether message_store.archived_reads has a say
-- in this read, so that the hint may name it.
CREATE OR REPLACE FUNCTION @extschema@.raise_archived(
  name text,
  "position" bigint,
  chunk @extschema@.chunks,
  can_skip boolean
)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'Messages have left the database: % (Position: %, Range: % to %)',
    $1, $2, ($3).range_start, ($3).range_end
    USING
      ERRCODE = 'CS001',
      DETAIL = pg_catalog.jsonb_build_object(
        'name', $1,
        'position', $2,
        'range_start', ($3).range_start,
        'range_end', ($3).range_end,
        'archive_url', ($3).archive_url,
        'archive_object', ($3).archive_object
      )::text,
      HINT = CASE
        WHEN ($3).archive_object IS NULL THEN
          'They were dropped by force and are not in an archive.' || CASE WHEN $4 THEN
            ' SET message_store.archived_reads = ''skip'' starts at the first message that is left.'
          ELSE '' END
        ELSE
          'Read them with the Coldstream client, or bring them back with "coldstream rehydrate".'
          || CASE WHEN $4 THEN
            ' SET message_store.archived_reads = ''skip'' starts at the first message in the database.'
          ELSE '' END
      END;
END;
$$;
