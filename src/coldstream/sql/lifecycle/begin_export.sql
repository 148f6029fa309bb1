-- sealed -> exporting. An export that was killed starts over; one that is done is not done again.
CREATE OR REPLACE FUNCTION @extschema@.begin_export(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  _row := @extschema@.seal_range($1);
  IF _row.state IN ('sealed', 'exporting') THEN
    UPDATE @extschema@.chunks SET state = 'exporting' WHERE range_start = $1 RETURNING * INTO _row;
  END IF;
  RETURN _row;
END;
$$;
