-- A page of one stream, $2 and $3 as its caller gives them. It needs _filter, and _condition and _listed for
-- read_stream.
--
-- Positions have no gaps, so the head says which ones the page has, and as many messages as that are
-- the page, whatever happens to the ledger meanwhile: then one statement over the stream's time (or
-- the time between two marks, see mark_streams) is all there is to do. In any other case read_stream
-- reads again, at one moment.
--
-- Of a stream of the last few chunks that statement has a plan that is kept (see recent_from): to plan a read
-- of the hypertable is dearer than the read, and several times as dear where the chunk is in the columnstore.
DECLARE
  -- More than stream_window gives at once is read in several statements.
  _max_chunks constant integer := 4;
  _position bigint := coalesce($2, 0);
  _batch_size bigint := coalesce($3, 1000);
  _head pg_catalog.record;
  _last bigint;
  _range pg_catalog.tstzrange;
  _limit bigint := CASE WHEN _batch_size OPERATOR(pg_catalog.<>) -1 THEN _batch_size END;
  _rows bigint := 0;
  _tries integer := 0;
  _message @extschema@.message;
  _found @extschema@.message[];
BEGIN
  IF _condition IS NULL AND _batch_size OPERATOR(pg_catalog.>=) -1 THEN
    SELECT h.position, h.first_time, h.time,
      _max_chunks OPERATOR(pg_catalog.*) s.chunk_interval AS span,
      -- As recent_from has it.
      pg_catalog.now() OPERATOR(pg_catalog.-) (5 OPERATOR(pg_catalog.*) s.chunk_interval) AS recent_from,
      s.left_before
    INTO _head
    FROM @extschema@.streams AS h, @extschema@.store AS s
    WHERE pg_catalog.md5(h.stream_name)::pg_catalog.uuid
        OPERATOR(pg_catalog.=) pg_catalog.md5($1)::pg_catalog.uuid
      AND h.stream_name OPERATOR(pg_catalog.=) $1 AND h.time_ordered
        AND h.position OPERATOR(pg_catalog.>=) _position;

    IF FOUND THEN
      _last := _head.position;
      IF _batch_size OPERATOR(pg_catalog.>=) 0
        AND _batch_size OPERATOR(pg_catalog.<=) (_last OPERATOR(pg_catalog.-) greatest(_position, 0))
      THEN
        _last := greatest(_position, 0) OPERATOR(pg_catalog.+) _batch_size OPERATOR(pg_catalog.-) 1;
      END IF;
      -- Ranges exclude their end.
      _range := pg_catalog.tstzrange(
        _head.first_time, _head.time OPERATOR(pg_catalog.+) INTERVAL '1 microsecond'
      );
      IF (_head.time OPERATOR(pg_catalog.-) _head.first_time) OPERATOR(pg_catalog.>=) _head.span THEN
        _range := @extschema@.marked_range($1, _position, _last, _range);
      END IF;

      IF pg_catalog.lower(_range) OPERATOR(pg_catalog.<) _head.left_before THEN
        IF _listed IS NULL AND pg_catalog.upper(_range) OPERATOR(pg_catalog.<=) _head.left_before
          AND @extschema@.fetches_archived()
        THEN
          RETURN QUERY
          SELECT m.* FROM @extschema@.stream_over_tiers($1, _position, _batch_size, NULL) AS m;
          RETURN;
        END IF;
        -- What is missing may be in the archive, and then comes before these: they are given together.
        IF (pg_catalog.upper(_range) OPERATOR(pg_catalog.-) pg_catalog.lower(_range))
          OPERATOR(pg_catalog.<=) _head.span
        THEN
          EXECUTE 'SELECT pg_catalog.array_agg(m.*::@extschema@.message ORDER BY m.position) FROM ('
            OPERATOR(pg_catalog.||) @extschema@.select_messages(_filter, 1, NULL, 'position ASC')
            OPERATOR(pg_catalog.||) ') AS m'
            INTO _found
            USING $1, _position, _limit, pg_catalog.split_part($1, '-', 1), _last,
              NULL, NULL, ARRAY[_range];
          IF pg_catalog.cardinality(_found)
            OPERATOR(pg_catalog.>) (_last OPERATOR(pg_catalog.-) greatest(_position, 0))
          THEN
            RETURN QUERY SELECT u.* FROM pg_catalog.unnest(_found) AS u;
            RETURN;
          END IF;
        END IF;
      ELSIF pg_catalog.lower(_range) OPERATOR(pg_catalog.>=) _head.recent_from THEN
        -- As select_messages has it, with parameters in place of numbers.
        RETURN QUERY
        SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
          m.data::varchar, m.metadata::varchar, m.time AT TIME ZONE 'UTC'
        FROM @extschema@.messages AS m
        WHERE m.stream_name OPERATOR(pg_catalog.=) $1
          AND m.stream_category OPERATOR(pg_catalog.=) pg_catalog.split_part($1, '-', 1)
          AND m.position OPERATOR(pg_catalog.>=) _position AND m.position OPERATOR(pg_catalog.<=) _last
          AND m.time OPERATOR(pg_catalog.>=) pg_catalog.lower(_range)
          AND m.time OPERATOR(pg_catalog.<) pg_catalog.upper(_range)
          AND m.time OPERATOR(pg_catalog.>=) @extschema@.recent_from()
          AND @extschema@.recent_from() OPERATOR(pg_catalog.<=) pg_catalog.lower(_range)
        ORDER BY m.position
        LIMIT _limit;
        GET DIAGNOSTICS _rows = ROW_COUNT;
      END IF;
      IF _rows OPERATOR(pg_catalog.=) 0
        AND pg_catalog.lower(_range) OPERATOR(pg_catalog.>=) _head.left_before
        AND (pg_catalog.upper(_range) OPERATOR(pg_catalog.-) pg_catalog.lower(_range))
          OPERATOR(pg_catalog.<=) _head.span
      THEN
        RETURN QUERY EXECUTE @extschema@.select_messages(_filter, 1, NULL, 'position ASC')
          USING $1, _position, _limit, pg_catalog.split_part($1, '-', 1), _last,
            NULL, NULL, ARRAY[_range];
        GET DIAGNOSTICS _rows = ROW_COUNT;
      END IF;
      IF _rows OPERATOR(pg_catalog.>) (_last OPERATOR(pg_catalog.-) greatest(_position, 0)) THEN
        RETURN;
      END IF;
    END IF;
  END IF;

  LOOP
    BEGIN
      IF _rows OPERATOR(pg_catalog.=) 0 THEN
        RETURN QUERY
        SELECT m.* FROM @extschema@.read_stream(
          $1, _position, _batch_size, _filter, _condition, listed => _listed
        ) AS m;
        RETURN;
      END IF;

      -- What was given stays given, so it must be how the stream begins at that moment too.
      FOR _message IN
        SELECT m.* FROM @extschema@.read_stream(
          $1, _position, _batch_size, _filter, NULL, listed => _listed
        ) AS m
      LOOP
        IF _message.id IS NULL OR _message.position OPERATOR(pg_catalog.>) _last THEN
          RETURN NEXT _message;
        ELSE
          _rows := _rows OPERATOR(pg_catalog.-) 1;
        END IF;
      END LOOP;
      EXIT;
    EXCEPTION
      @include read_again@
      WHEN SQLSTATE 'CS001' THEN
        -- What was given cannot be taken back: it left while it was read.
        IF _rows OPERATOR(pg_catalog.<>) 0 THEN
          EXIT;
        ELSIF NOT @extschema@.fetches_archived() THEN
          RAISE;
        END IF;
        RETURN QUERY
        SELECT m.* FROM @extschema@.stream_over_tiers($1, _position, _batch_size, _condition) AS m;
        RETURN;
    END;
  END LOOP;
  IF _rows OPERATOR(pg_catalog.<>) 0 THEN
    RAISE EXCEPTION 'Messages came or left during the read of %', $1
      USING ERRCODE = 'serialization_failure', HINT = 'Read again.';
  END IF;
END;
