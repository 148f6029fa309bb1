-- audience: part
-- How far a read should look for N messages from a global position on, in closed chunks that are
-- in the order of closed_chunks: by the density of each, with some room, and more where few are left.
--
-- A chunk that does not have enough is read together with the next: a statement of its own would cost
-- as much again. Not more than about a bucket in all, because it is sorted.
--
-- A bucket of the columnstore costs the same however few of its messages are wanted, and every row
-- that comes out of it is sorted. So a step ends at the end of a bucket that will do, or in the middle
-- of one; a read that filters (whole_buckets) takes every bucket once.
CREATE OR REPLACE FUNCTION @extschema@.last_position_of_step(
  "position" bigint,
  messages bigint,
  room double precision,
  whole_buckets boolean,
  chunks @extschema@.chunk_range[]
)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _bucket constant bigint := 1 << 14;
  _needed double precision := $2;
  _wanted double precision := $2 * $3 + 16;
  _chunk @extschema@.chunk_range;
  _density double precision;
  _from bigint;
  _last bigint;
  _end bigint;
  _to bigint;
BEGIN
  FOREACH _chunk IN ARRAY $5 LOOP
    EXIT WHEN _to IS NOT NULL AND (_chunk.state = 'dropped' OR $2 - _needed >= _bucket);

    _from := greatest($1, _chunk.first_global_position);
    _last := greatest($1, _chunk.last_global_position);
    IF $2 IS NULL THEN
      RETURN _last;
    END IF;

    _density := _chunk.messages::double precision
      / (_chunk.last_global_position - _chunk.first_global_position + 1);
    IF (_last - _from + 1) * _density + 0.5 < _needed THEN
      _needed := _needed - (_last - _from + 1) * _density;
      _wanted := _wanted - (_last - _from + 1) * _density;
      _to := greatest(_to, _last);
      CONTINUE;
    END IF;

    _last := least(_from + pg_catalog.ceil(_wanted / _density) - 1, _last)::bigint;
    _end := (((CASE WHEN $4 THEN _last ELSE _from END) >> 14) + 1 << 14) - 1;
    IF $4 OR _last > _end AND (_end - _from + 1) * _density > _needed * 1.1 THEN
      _last := _end;
    END IF;
    RETURN greatest(_to, _last);
  END LOOP;
  RETURN _to;
END;
$$;
