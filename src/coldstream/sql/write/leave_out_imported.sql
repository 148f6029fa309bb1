-- audience: internal
-- Takes those out of the session's incoming table that are in the store already, with their position and their
-- id. Returns the global positions that those have, in order, NULL for the others; or
-- NULL where none is there. Where the table has numbers for global positions, they are without gaps afterwards.
CREATE OR REPLACE FUNCTION @extschema@.leave_out_imported("keep" boolean)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _places tid[];
  _existing bigint[];
BEGIN
  SELECT array_agg(i.ctid ORDER BY i.global_position), @extschema@.imported_before(
    array_agg(i.position ORDER BY i.global_position), array_agg(i.stream_name::varchar ORDER BY i.global_position),
    array_agg(i.id ORDER BY i.global_position)
  )
  INTO _places, _existing
  FROM pg_temp.coldstream_incoming AS i;
  IF cardinality(_existing) = 0 THEN
    RETURN NULL;
  END IF;
  DELETE FROM pg_temp.coldstream_incoming AS i
  USING unnest(_places, _existing) AS u (place, existing)
  WHERE i.ctid = u.place AND u.existing IS NOT NULL;
  IF NOT $1 THEN
    UPDATE pg_temp.coldstream_incoming AS i
    SET global_position = u.number
    FROM (
      SELECT r.ctid AS place, row_number() OVER (ORDER BY r.global_position) AS number
      FROM pg_temp.coldstream_incoming AS r
    ) AS u
    WHERE i.ctid = u.place;
  END IF;
  RETURN _existing;
END;
$$;
