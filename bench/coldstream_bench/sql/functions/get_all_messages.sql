-- Message DB has no such function; this is the statement a reader of all categories runs there. It
-- misses messages that commit late, where Coldstream's function does not.
CREATE FUNCTION @extschema@.get_all_messages(
  "position" bigint DEFAULT 1,
  batch_size bigint DEFAULT 1000
)
RETURNS SETOF @extschema@.message LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  RETURN QUERY EXECUTE '
    SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
      m.data::varchar, m.metadata::varchar, m.time
    FROM @extschema@.messages AS m
    WHERE m.global_position >= $1
    ORDER BY m.global_position ASC
    LIMIT $2'
  USING $1, $2;
END;
$$;
