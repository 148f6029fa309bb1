-- audience: internal
-- The session's own table for messages that come with all that they have: COPY fills it, take_incoming puts
-- what is in it into the store, and the end of the transaction empties it. JSON comes as the text of jsonb.
-- A correlation_category that is NULL is looked for in metadata.
--
-- Temporary: what is in it is written to no log, and a session that dies leaves nothing. Its name is ours, for a
-- session may have a table of its own that is called incoming.
CREATE OR REPLACE FUNCTION @extschema@.make_incoming()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF to_regclass('pg_temp.coldstream_incoming') IS NULL THEN
    CREATE TEMPORARY TABLE coldstream_incoming (
      global_position bigint NOT NULL,
      position bigint NOT NULL,
      time timestamptz NOT NULL,
      stream_name text NOT NULL,
      type text NOT NULL,
      data text,
      metadata text,
      id uuid NOT NULL,
      correlation_category text
    ) ON COMMIT DELETE ROWS;
  END IF;
END;
$$;
