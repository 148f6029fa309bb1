-- audience: part
-- The part of a range of time in which positions of a stream lie, where its marks say more than the
-- range does: at or after the last mark that is not past the first of them, and before the chunk of
-- the first mark that is past the last of them. Empty where marks and range contradict each other.
CREATE OR REPLACE FUNCTION @extschema@.marked_range(
  stream_name text,
  first_position bigint,
  last_position bigint,
  range tstzrange
)
RETURNS tstzrange
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _key constant uuid := pg_catalog.md5($1)::uuid;
  _marks record;
BEGIN
  SELECT
    (
      SELECT k.range_start FROM @extschema@.stream_marks AS k
      WHERE k.stream_key = _key AND k.position <= $2
      ORDER BY k.position DESC
      LIMIT 1
    ) AS first,
    (
      SELECT k.range_start FROM @extschema@.stream_marks AS k
      WHERE k.stream_key = _key AND k.position > $3
      ORDER BY k.position
      LIMIT 1
    ) AS next
  INTO _marks;
  RETURN $4 * pg_catalog.tstzrange(_marks.first, NULL) * pg_catalog.tstzrange(NULL, _marks.next);
END;
$$;
