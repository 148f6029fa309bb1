-- How far a read should look for so many messages, starting at a global position inside a chunk's
-- range of a category: by the chunk's density, with some room.
--
-- A bucket of the columnstore costs the same however few of its messages are wanted, and every row
-- that comes out of it is sorted. So a step ends at the end of a bucket that will do, or in the middle
-- of one; a read that filters (whole_buckets) takes every bucket once.
CREATE OR REPLACE FUNCTION @extschema@.last_position_of_step(
  "position" bigint,
  messages bigint,
  room double precision,
  whole_buckets boolean,
  chunk @extschema@.chunk_range
)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
  _density double precision := ($5).messages::double precision
    / (($5).last_global_position - ($5).first_global_position + 1);
  _last bigint := ($5).last_global_position;
  _to bigint;
BEGIN
  IF $2 IS NULL OR $2 >= ($5).messages THEN
    RETURN greatest(_last, $1);
  END IF;

  _to := least($1 + pg_catalog.ceil($2 * $3 / _density) - 1, _last)::bigint;
  IF $4 THEN
    RETURN ((_to >> 14) + 1 << 14) - 1;
  END IF;
  _last := (($1 >> 14) + 1 << 14) - 1;
  IF _to > _last AND (_last - $1 + 1) * _density > $2 * 1.1 THEN
    RETURN _last;
  END IF;
  RETURN greatest(_to, $1);
END;
$$;
