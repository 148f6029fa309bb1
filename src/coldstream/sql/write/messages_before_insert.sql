-- audience: internal
-- What a plain INSERT into messages needs is admit_message's work.
--
-- No more than that is here, because PL/pgSQL compiles a trigger's function anew for each chunk, and
-- every statement in it is a plan that each later change of the catalog looks at: with many chunks,
-- making one more would take the longer the more there are.
CREATE OR REPLACE FUNCTION @extschema@.messages_before_insert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- make_chunk wants the row's chunk, and no row: no trigger and no publication sees one. Only
  -- a role that may take rows out again may ask for that: the chunk of a wrong time stays.
  IF NEW.stream_name IS NULL AND current_setting('coldstream.make_chunk', true) = 'on'
    AND has_table_privilege(SESSION_USER, '@extschema@.messages', 'DELETE')
  THEN
    RETURN NULL;
  END IF;

  NEW.global_position := @extschema@.admit_message(
    NEW.stream_name, NEW.position, NEW.global_position, NEW.id, NEW.time, TG_RELID
  );
  NEW.data := to_json(NEW.data::jsonb);
  NEW.metadata := to_json(NEW.metadata::jsonb);
  NEW.correlation_category := coalesce(
    split_part(NEW.metadata ->> 'correlationStreamName', '-', 1), '-'
  );
  NEW.position_bucket := NEW.global_position >> 14;
  RETURN NEW;
END;
$$;
