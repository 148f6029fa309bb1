-- audience: part
-- How many messages of a source are at or after a position, and when the first of them was written. source
-- is a category, a stream's name, or '' for everything. size: as many members share a category, and the
-- answer is about one of them.
--
-- Of a stream the number is exact. Otherwise it is exact but for the closed chunk that the position is
-- in, where the ledger's density is used, and beyond 100,000 messages of chunks that are not closed.
-- oldest is NULL where there is none; where the message has left the database, it is when its chunk
-- begins.
CREATE OR REPLACE FUNCTION @extschema@.consumer_lag(
  source text,
  "position" bigint,
  size integer DEFAULT 1,
  OUT messages bigint,
  OUT oldest timestamptz
)
RETURNS record
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _tries integer := 0;
BEGIN
  LOOP
    BEGIN
      SELECT l.messages, l.oldest INTO messages, oldest
      FROM @extschema@.visible_lag($1, $2, $3) AS l;
      RETURN;
    EXCEPTION
      @include read_again@
    END;
  END LOOP;
END;
$$;
