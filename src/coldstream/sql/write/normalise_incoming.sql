-- audience: internal
-- Makes the JSON of the session's incoming table, which is as somebody wrote it in a file, the text of jsonb. It
-- needs none of the store's locks, so a second session does it while the messages before are brought.
CREATE OR REPLACE FUNCTION @extschema@.normalise_incoming()
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE pg_temp.coldstream_incoming SET data = data::jsonb, metadata = metadata::jsonb
$$;
