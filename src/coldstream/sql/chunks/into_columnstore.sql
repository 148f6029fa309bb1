-- audience: internal; needs timescale
-- compress_chunk, by the store's settings and not the session's, which are as they were afterwards.
--
-- A value that is stored out of line is cut into pieces of 1,996 bytes, and the last one may keep most of
-- a page to itself. So a batch has 990 messages, whose ids fill eight pieces, where a thousand begin a
-- ninth. Whoever asked for the smaller form has twice as many: fewer values, and to read a short stream
-- unpacks more of the others'. A column of a batch is one value, and PostgreSQL has none of a gigabyte:
-- where messages are so large, batches are smaller.
CREATE OR REPLACE FUNCTION @extschema@.into_columnstore(chunk regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _batch_size integer;
  _wanted record;
  _before jsonb;
BEGIN
  FOREACH _batch_size IN ARRAY ARRAY[
    (SELECT CASE s.compression WHEN 'pglz' THEN 1980 ELSE 990 END FROM @extschema@.store AS s), 50, 1
  ] LOOP
    BEGIN
      _before := '{}';
      -- Older servers and releases have the one or the other not.
      FOR _wanted IN
        SELECT s.name, w.value, s.setting
        FROM (VALUES
          ('default_toast_compression', @extschema@.columnstore_compression()),
          ('timescaledb.compression_batch_size_limit', _batch_size::text)
        ) AS w (name, value)
        JOIN pg_settings AS s ON s.name = w.name
        WHERE w.value = ANY (s.enumvals) OR w.value::integer <= s.max_val::integer
      LOOP
        _before := _before || jsonb_build_object(_wanted.name, _wanted.setting);
        PERFORM set_config(_wanted.name, _wanted.value, true);
      END LOOP;
      PERFORM @extschema:timescaledb@.compress_chunk($1, if_not_compressed => true);
      EXIT;
    EXCEPTION
      WHEN program_limit_exceeded THEN
        IF _batch_size = 1 THEN
          RAISE;
        END IF;
    END;
  END LOOP;
  PERFORM set_config(b.key, b.value, true) FROM jsonb_each_text(_before) AS b;
END;
$$;
