"""READ UNCOMMITTED is READ COMMITTED by another name, to PostgreSQL and so to the store."""

from __future__ import annotations

from tests.fix_store import InstalledStore


def test_read_uncommitted(store_schema: InstalledStore) -> None:
    with store_schema.connect() as connection:
        connection.execute("SET default_transaction_isolation = 'read uncommitted'")
        connection.execute(
            "SELECT write_message(gen_random_uuid()::varchar, 'account-1', 'T', '{}')"
        )
        # A global position that is passed already looks for who may have drawn it.
        connection.execute(
            "INSERT INTO messages (global_position, stream_name, position, type) "
            "SELECT nextval('messages_global_position_seq') + n, 'order-1', n, 'T' "
            "FROM generate_series(0, 1) AS n"
        )
        read = connection.execute("SELECT stream_name FROM get_all_messages()").fetchall()
        assert read == [("account-1",), ("order-1",), ("order-1",)]
        for verb in ("CALL close_ended_chunks()", "UPDATE messages SET type = 'U'"):
            connection.execute(verb.encode())
        read = connection.execute("SELECT type FROM get_category_messages('order')").fetchall()
        assert read == [("U",), ("U",)]
