"""A database of Message DB's form, made by what its documentation says of it: the table with its
indexes, and a write_message that takes the category's lock. proof/copy.py uses the genuine one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

SCHEMA = """
CREATE SCHEMA message_store;
CREATE TABLE message_store.messages (
  global_position bigserial PRIMARY KEY,
  position bigint NOT NULL,
  time timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
  stream_name text NOT NULL,
  type text NOT NULL,
  data jsonb,
  metadata jsonb,
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
CREATE UNIQUE INDEX messages_id ON message_store.messages (id);
CREATE UNIQUE INDEX messages_stream ON message_store.messages (stream_name, position);
CREATE FUNCTION message_store.write_message(
  id varchar, stream_name varchar, type varchar, data jsonb, metadata jsonb DEFAULT NULL
)
RETURNS bigint LANGUAGE plpgsql SET search_path = message_store, public AS $$
DECLARE
  _next bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext(split_part($2, '-', 1)));
  SELECT coalesce(max(m.position), -1) + 1 INTO _next FROM messages AS m WHERE m.stream_name = $2;
  INSERT INTO messages (id, stream_name, position, type, data, metadata)
  VALUES ($1::uuid, $2, _next, $3, $4, $5);
  RETURN _next;
END;
$$;
"""


class MessageDb:
    """One that is installed in a database of its own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def run(self, statement: str, arguments: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET search_path = message_store, public")
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []

    def fill(self, messages: int, *, days: int = 30) -> None:
        """Messages of some streams in two categories, every third with metadata, a gap in the
        global positions now and then, with times over the last days."""
        self.run(
            "SELECT write_message(gen_random_uuid()::varchar, "
            "CASE WHEN n %% 5 = 0 THEN 'order-' ELSE 'account-' END || n %% 37, 'Happened', "
            """jsonb_build_object('n', n, 'price', 1.10, 'text', 'é "' || n), """
            "CASE WHEN n %% 3 = 0 THEN jsonb_build_object("
            "'correlationStreamName', 'transfer-' || n) END), "
            "CASE WHEN n %% 50 = 0 THEN nextval('messages_global_position_seq') END "
            "FROM generate_series(1, %s) AS n (n)",
            [messages],
        )
        self.run(
            "UPDATE messages SET time = (now() AT TIME ZONE 'utc') - make_interval(days => %s)"
            " * ((SELECT max(global_position) FROM messages) - global_position)"
            " / (SELECT max(global_position) FROM messages)",
            [days],
        )

    def messages(self) -> list[tuple[Any, ...]]:
        """All of them, as a client sees them."""
        return self.run(
            "SELECT global_position, position, time, stream_name, type, data::text, metadata::text,"
            " id FROM messages ORDER BY global_position"
        )
