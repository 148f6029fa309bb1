"""The functions that bring messages with all that they have, over one connection."""

from __future__ import annotations

import psycopg
import pytest
from tests.fix_store import InstalledStore

import coldstream
from coldstream.sql import query

ROWS = [
    (11, 0, "2024-04-01 10:00+00", "account-1", '{"price": 1.10}', None, None),
    (12, 0, "2024-03-01 10:00+00", "order-1", None, '{"correlationStreamName": "a-1"}', None),
    (15, 1, "2024-02-01 10:00+00", "account-1", "{}", '{"n": 1}', "-"),
    (19, 2, "now", "account-1", "{}", None, "-"),
]


def test_messages_are_brought_by_statements_for_all_of_them(fresh_store: InstalledStore) -> None:
    schema = fresh_store.schema
    with fresh_store.connect() as connection, connection.transaction():
        connection.execute("SELECT begin_copy('x', 11, %s, NULL, NULL, NULL, 4, 100)", [_id(11)])
        connection.execute("SELECT make_incoming()")
        fill = query("fill_incoming", schema).replace("(FORMAT binary)", "").encode()
        with connection.cursor() as cursor, cursor.copy(fill) as rows:
            for place, position, time, name, data, metadata, correlation in ROWS:
                rows.write_row(
                    (place, position, time, name, "T", data, metadata, _id(place), correlation)
                )
        found = connection.execute("SELECT messages FROM copy_incoming(0, 19)").fetchall()
        assert found == [(4,)]
    assert fresh_store.run(
        "SELECT stream_name, position, time_ordered FROM streams ORDER BY 1"
    ) == [("account-1", 2, False), ("order-1", 0, True)]
    assert fresh_store.run(
        "SELECT global_position, data::text, correlation_category FROM messages ORDER BY 1"
    ) == [(11, '{"price": 1.10}', "-"), (12, None, "a"), (15, "{}", "-"), (19, "{}", "-")]

    # Not once more, and not with a gap before.
    with fresh_store.connect() as connection:
        connection.execute("SELECT make_incoming()")
        for after, last, why in ((0, 19, "Another copy"), (19, 30, "Not the messages after 19")):
            with pytest.raises(psycopg.Error, match=why):
                connection.execute("SELECT copy_incoming(%s, %s)", [after, last])
        with pytest.raises(psycopg.Error, match="takes no writes"):
            connection.execute("SELECT write_message(%s, 'account-1', 'T', '{}')", [_id(1)])
        connection.execute("SELECT open_copied(25)")
        connection.execute("SELECT write_message(%s, 'account-1', 'T', '{}')", [_id(1)])
        # An id of what is in rows; those of the others may be in the columnstore by now.
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("SELECT write_message(%s, 'account-1', 'T', '{}')", [_id(19)])
    with coldstream.connect(fresh_store.dsn, schema=schema) as client:
        read = [m.global_position for m in client.get_all_messages()]
        assert read == [11, 12, 15, 19, 26]
        assert [m.position for m in client.get_stream_messages("account-1")] == [0, 1, 2, 3]


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"
