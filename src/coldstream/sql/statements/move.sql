-- name: move_state
SELECT e.to_engine, e.fixed_to, e.copied_to, e.compared_to, e.messages, e.switched_at IS NOT NULL,
  e.switch_seconds
FROM @extschema@.engine_move AS e

-- name: move_lock
-- One move of a store at a time. Two numbers, so that it is never taken for a category's lock.
SELECT pg_catalog.pg_try_advisory_lock(1129271878, pg_catalog.hashtext('@extschema_name@'))

-- name: move_unlock
SELECT pg_catalog.pg_advisory_unlock(1129271878, pg_catalog.hashtext('@extschema_name@'))

-- name: move_lifecycle_lock
-- The keys of lifecycle_lock and closing_lock: what changes the form of a chunk waits for the end of this session.
SELECT pg_catalog.pg_advisory_lock(1129271876, '@extschema@.messages'::regclass::oid::integer),
  pg_catalog.pg_advisory_lock(1129271877, '@extschema@.messages'::regclass::oid::integer)

-- name: move_owner
-- Whose the store is, if it is not this role's: what is made for the new engine must not have more rights.
SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class AS c
WHERE c.oid = '@extschema@.store'::regclass AND pg_catalog.pg_get_userbyid(c.relowner) <> CURRENT_USER

-- name: move_filled
-- What brings messages in from elsewhere, and keeps writers out meanwhile.
SELECT t.tgname FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = '@extschema@.streams'::regclass AND t.tgname LIKE 'streams?_while?_%' ESCAPE '?'

-- name: move_gone
-- How many ranges have left the database, and the first and the last of their times.
SELECT pg_catalog.count(*), pg_catalog.min(c.range_start), pg_catalog.max(c.range_end)
FROM @extschema@.chunks AS c WHERE c.state = 'dropped'

-- name: move_foreign
-- What somebody else made on messages: the new table would not have it.
SELECT f.what
FROM (
  SELECT pg_catalog.format('the trigger %%I', t.tgname) AS what
  FROM pg_catalog.pg_trigger AS t
  WHERE t.tgrelid = '@extschema@.messages'::regclass AND NOT t.tgisinternal
    AND t.tgname NOT LIKE E'messages\\_%%' AND t.tgname <> 'ts_insert_blocker'
  UNION ALL
  SELECT pg_catalog.format('the foreign key %%I of %%s', c.conname, c.conrelid::regclass)
  FROM pg_catalog.pg_constraint AS c WHERE c.confrelid = '@extschema@.messages'::regclass
  UNION ALL
  SELECT pg_catalog.format('the constraint %%I', c.conname)
  FROM pg_catalog.pg_constraint AS c
  WHERE c.conrelid = '@extschema@.messages'::regclass AND c.contype IN ('c', 'f', 'u', 'x')
  UNION ALL
  SELECT pg_catalog.format('the index %%I', c.relname)
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
  WHERE i.indrelid = '@extschema@.messages'::regclass AND c.relname NOT LIKE E'messages\\_%%'
  UNION ALL
  SELECT pg_catalog.format('the column %%I', a.attname)
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = '@extschema@.messages'::regclass AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attname <> ALL ('{global_position,position,time,stream_name,type,data,metadata,id,stream_category,
      correlation_category,position_bucket}')
  UNION ALL
  SELECT pg_catalog.format('the publication %%I', p.pubname)
  FROM pg_catalog.pg_publication_rel AS r JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
  WHERE r.prrelid = '@extschema@.messages'::regclass
  UNION ALL
  SELECT pg_catalog.format('the row security policy %%I', p.polname)
  FROM pg_catalog.pg_policy AS p WHERE p.polrelid = '@extschema@.messages'::regclass
  UNION ALL
  SELECT DISTINCT pg_catalog.format('the view %%s', r.ev_class::regclass)
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
  JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
  WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refobjid = '@extschema@.messages'::regclass
    AND NOT (c.relnamespace = '@extschema@'::regnamespace AND c.relname = ANY (%s))
) AS f
ORDER BY f.what

-- name: move_size
-- About how many messages there are, what they take with their indexes, and the last position that was drawn.
SELECT
  (
    SELECT pg_catalog.count(*) FROM (SELECT FROM @extschema@.messages LIMIT 1000000) AS m
  ),
  (
    SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(t.oid))::bigint
    FROM (
      SELECT '@extschema@.messages'::regclass AS oid
      UNION ALL
      SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = '@extschema@.messages'::regclass
    ) AS t
  ),
  (
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END
    FROM @extschema@.messages_global_position_seq AS s
  )

-- name: move_begin
CREATE SCHEMA @next@;
COMMENT ON SCHEMA @next@ IS 'coldstream: a store that is being moved';
CREATE TABLE @next@.messages (LIKE @extschema@.messages INCLUDING DEFAULTS INCLUDING GENERATED);

-- name: move_began
INSERT INTO @extschema@.engine_move (to_engine) VALUES ('@engine@');
CREATE TRIGGER messages_while_moving
BEFORE UPDATE OR DELETE OR TRUNCATE ON @extschema@.messages
FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.messages_while_moving()

-- name: move_chunk_interval
SELECT @extschema:timescaledb@.set_chunk_time_interval('@next@.messages', s.chunk_interval)
FROM @extschema@.store AS s

-- name: move_fix
-- Before the wait for those that write: see engine_move.
UPDATE @extschema@.engine_move AS e
SET fixed_to = greatest(
  e.fixed_to, pg_catalog.pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0
)
RETURNING e.fixed_to

-- name: move_copy
INSERT INTO @next@.messages (
  global_position, position, time, stream_name, type, data, metadata, id, correlation_category,
  position_bucket
)
SELECT m.global_position, m.position, m.time, m.stream_name, m.type, m.data, m.metadata, m.id,
  m.correlation_category, m.position_bucket
FROM @extschema@.messages AS m
WHERE m.global_position > %(first)s AND m.global_position <= %(last)s
  AND m.position_bucket >= %(first)s::bigint >> 14 AND m.position_bucket <= %(last)s::bigint >> 14
ORDER BY m.global_position

-- name: move_ids
INSERT INTO @next@.recent_ids (id, global_position)
SELECT m.id, m.global_position FROM @next@.messages AS m
WHERE m.global_position > %(first)s AND m.global_position <= %(last)s

-- name: move_copied
UPDATE @extschema@.engine_move SET copied_to = %s, messages = messages + %s

-- name: move_first_after
SELECT pg_catalog.min(m.global_position) FROM @extschema@.messages AS m
WHERE m.global_position > %(first)s AND m.global_position <= %(last)s
  AND m.position_bucket >= %(first)s::bigint >> 14

-- name: move_digest
-- How many rows there are between two global positions, and the sum of their hashes: of all that Message DB has,
-- and of what only we see. PostgreSQL's own hash of 64 bits, a tenth of what SHA-256 takes: both sides are in one
-- database, and nobody forges.
SELECT pg_catalog.count(*) || ':' || coalesce(pg_catalog.sum(pg_catalog.hash_record_extended(ROW(
  m.global_position, m.position, m.time, m.id, m.stream_name, m.type, m.data::text, m.metadata::text,
  m.stream_category, m.correlation_category, m.position_bucket
), 0)), 0)
FROM @table@ AS m
WHERE m.global_position > %(first)s AND m.global_position <= %(last)s
  AND m.position_bucket >= %(first)s::bigint >> 14 AND m.position_bucket <= %(last)s::bigint >> 14

-- name: move_compared
UPDATE @extschema@.engine_move SET compared_to = %s

-- name: move_lock_tables
-- Writers first: each of them changes a head before it writes a message.
LOCK TABLE @extschema@.streams IN SHARE MODE;
LOCK TABLE @extschema@.messages IN ACCESS EXCLUSIVE MODE

-- name: move_place
-- Whether the database is the one that the row of incarnation names; not by a function of one engine alone.
SELECT i.tables = p.tables
FROM @extschema@.incarnation AS i, @extschema@.place_of_store() AS p

-- name: move_swap
CREATE SCHEMA @before@;
COMMENT ON SCHEMA @before@ IS 'coldstream: a store that was moved';
DROP TRIGGER messages_while_moving ON @extschema@.messages;
ALTER SEQUENCE @extschema@.messages_global_position_seq OWNED BY NONE;
ALTER TABLE @extschema@.messages SET SCHEMA @before@;
ALTER TABLE @extschema@.recent_ids SET SCHEMA @before@;
ALTER TABLE @next@.messages SET SCHEMA @extschema@;
ALTER TABLE @next@.recent_ids SET SCHEMA @extschema@;
DROP SCHEMA @next@;
DO $$
DECLARE
  _table text;
  _owner name;
  _grant record;
BEGIN
  FOREACH _table IN ARRAY ARRAY['messages', 'recent_ids'] LOOP
    SELECT pg_catalog.pg_get_userbyid(c.relowner) INTO _owner FROM pg_catalog.pg_class AS c
    WHERE c.oid = pg_catalog.to_regclass('@before@.' || _table);
    EXECUTE pg_catalog.format('ALTER TABLE @extschema@.%I OWNER TO %I', _table, _owner);
    -- Who may do what with it, on all of it or on columns.
    FOR _grant IN
      SELECT a.privilege_type, a.is_grantable, a.grantee, NULL::name AS attname
      FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS a
      WHERE c.oid = pg_catalog.to_regclass('@before@.' || _table) AND a.grantee <> c.relowner
      UNION ALL
      SELECT a.privilege_type, a.is_grantable, a.grantee, t.attname
      FROM pg_catalog.pg_attribute AS t, pg_catalog.aclexplode(t.attacl) AS a
      WHERE t.attrelid = pg_catalog.to_regclass('@before@.' || _table) AND t.attnum > 0
        AND NOT t.attisdropped
    LOOP
      EXECUTE pg_catalog.format(
        'GRANT %s%s ON @extschema@.%I TO %s%s', _grant.privilege_type,
        CASE WHEN _grant.attname IS NULL THEN '' ELSE pg_catalog.format(' (%I)', _grant.attname) END,
        _table,
        CASE WHEN _grant.grantee = 0 THEN 'PUBLIC'
          ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(_grant.grantee)) END,
        CASE WHEN _grant.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
      );
    END LOOP;
  END LOOP;
END;
$$;
ALTER SEQUENCE @extschema@.messages_global_position_seq OWNED BY @extschema@.messages.global_position;
UPDATE @extschema@.store SET engine = '@engine@'

-- name: move_forget_tiers
-- Of chunks that are no more the ledger says nothing. What became of them stays in transitions.
TRUNCATE @extschema@.chunks, @extschema@.chunk_categories, @extschema@.archive_files,
  @extschema@.stream_marks;
UPDATE @extschema@.store SET closed_before = '-infinity', rows_since = '-infinity', ids_from = 0,
  left_before = '-infinity',
  columnstore = false, archive_url = NULL, archive_epoch = archive_epoch + 1;
SELECT pg_catalog.setval('@extschema@.closed_before', @extschema@.store_token())

-- name: move_here
UPDATE @extschema@.incarnation AS i
SET tables = p.tables, written_by = pg_catalog.pg_current_xact_id()::xid
FROM @extschema@.place_of_store() AS p

-- name: move_switched
UPDATE @extschema@.engine_move SET switched_at = pg_catalog.clock_timestamp()

-- name: move_took
UPDATE @extschema@.engine_move SET switch_seconds = %s

-- name: move_end
DROP TABLE IF EXISTS @before@.messages;
DROP TABLE IF EXISTS @before@.recent_ids;
DROP SCHEMA IF EXISTS @before@;
DELETE FROM @extschema@.engine_move

-- name: move_cancel
DROP TRIGGER IF EXISTS messages_while_moving ON @extschema@.messages;
DROP TABLE IF EXISTS @next@.messages;
DROP TABLE IF EXISTS @next@.recent_ids;
DROP SCHEMA IF EXISTS @next@;
DELETE FROM @extschema@.engine_move
