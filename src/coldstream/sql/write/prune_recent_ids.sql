-- audience: internal; needs timescale
-- Forgets the ids of messages that have left row form: the window in which ids are unique is every
-- chunk in row form, and recent_ids is no larger than it. ids_from says from which position on it has all.
--
-- What is deleted lies below every row-form message that has committed; the id of one that has not
-- is not visible to the DELETE. Where nothing would be left, TRUNCATE gives the space back at once. It
-- waits for writers for a moment only, and looks again when they are done; if they take longer, the
-- next compression does it. After an import of history nearly all of a large table is gone: what is left is
-- written anew, as long as that is little, because vacuum gives no space back that has a live row behind it.
-- Whoever has an older snapshot then finds none of these ids, and the key still refuses them.
CREATE OR REPLACE FUNCTION @extschema@.prune_recent_ids()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _keep_from bigint := @extschema@.first_position_in_rows();
  _lock_timeout text := current_setting('lock_timeout');
  _large constant bigint := 8000000;
  _most constant bigint := 200000;
  _bytes_each constant bigint := 60;
  _count bigint;
  _ids uuid[];
  _positions bigint[];
BEGIN
  IF _keep_from IS NOT NULL THEN
    DELETE FROM @extschema@.recent_ids AS r WHERE r.global_position < _keep_from;
    UPDATE @extschema@.store AS s SET ids_from = _keep_from WHERE s.ids_from < _keep_from;
    -- With a snapshot of its own, or the ids of those that committed since would be lost.
    IF pg_relation_size('@extschema@.recent_ids') < _large
      OR left(current_setting('transaction_isolation'), 4) <> 'read'
    THEN
      RETURN;
    END IF;
    SELECT count(*) INTO _count FROM @extschema@.recent_ids;
    IF _count > _most OR pg_relation_size('@extschema@.recent_ids') < 8 * _count * _bytes_each THEN
      RETURN;
    END IF;
  ELSIF NOT EXISTS (SELECT FROM @extschema@.recent_ids) THEN
    RETURN;
  END IF;

  BEGIN
    PERFORM set_config('lock_timeout', '200ms', true);
    LOCK TABLE @extschema@.recent_ids IN ACCESS EXCLUSIVE MODE;
    IF _keep_from IS NOT NULL THEN
      SELECT array_agg(r.id ORDER BY r.global_position), array_agg(r.global_position ORDER BY r.global_position)
      INTO _ids, _positions
      FROM @extschema@.recent_ids AS r;
      TRUNCATE @extschema@.recent_ids;
      INSERT INTO @extschema@.recent_ids (id, global_position) SELECT unnest(_ids), unnest(_positions);
    ELSIF @extschema@.first_position_in_rows() IS NULL THEN
      TRUNCATE @extschema@.recent_ids;
      UPDATE @extschema@.store AS s SET ids_from = greatest(
        s.ids_from, (SELECT p.last_value + 1 FROM @extschema@.messages_global_position_seq AS p)
      );
    END IF;
  EXCEPTION
    WHEN lock_not_available THEN
      NULL;
  END;
  PERFORM set_config('lock_timeout', _lock_timeout, true);
END;
$$;
