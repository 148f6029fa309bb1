"""A category read to its end: pages become larger, are read ahead, and pass nothing over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.clients import opened
from tests.fix_store import InstalledStore

import coldstream
from coldstream import NewMessage
from coldstream.client import _ordered
from coldstream.client import arguments as _calls
from coldstream.client._async import category_pages as async_first
from coldstream.client._async import database_pages as async_pages
from coldstream.client._sync import category_pages as sync_first
from coldstream.client._sync import database_pages as sync_pages


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a bucket, and with it a page, had few positions."""
    for module in (async_pages, sync_pages):
        monkeypatch.setattr(module, "_PAGE_MESSAGES", 40)
        monkeypatch.setattr(module, "_BUCKET_BITS", 4)


def test_an_iterator_asks_for_a_page_at_a_time(
    store_schema: InstalledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    with coldstream.connect(store_schema.dsn) as store:
        store.write_messages([NewMessage("account-1", "T", n) for n in range(10)])
        rows = store._connections.unread

        def counted(name: str, arguments: object = ()) -> object:
            asked.append(name)
            return rows(name, arguments)

        monkeypatch.setattr(store._connections, "unread", counted)
        messages = store.get_stream_messages("account-1", batch_size=3)
        assert asked == []
        for number in range(10):
            assert next(messages).data == number
            assert asked == ["stream_page"] * (number // 3 + 1)
        assert list(messages) == []

        asked.clear()
        messages = store.get_category_messages("account", batch_size=3)
        for number in range(3):
            assert next(messages).data == number
        # Nothing is read ahead for who may want the first page only.
        assert asked == ["category_page"]
        assert [message.data for message in messages] == list(range(3, 10))
        assert asked[1:4] == [
            "archived_chunks",
            "last_category_position",
            "get_range_in_database",
        ]


def test_what_is_written_while_a_range_is_read_is_not_passed_over(
    store_schema: InstalledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A range may end beyond the last message: then only what came says where to read on."""
    with coldstream.connect(store_schema.dsn) as store:
        store.write_messages([NewMessage("account-1", "T", n) for n in range(10)])
        unread = store._connections.unread
        late = iter(range(10, 14))

        def written_after(name: str, arguments: object = ()) -> object:
            rows = unread(name, arguments)
            if name == "get_range_in_database" and (number := next(late, None)) is not None:
                store.write_message("account-1", "T", number)
            return rows

        monkeypatch.setattr(store._connections, "unread", written_after)
        found = [message.data for message in store.get_category_messages("account", batch_size=2)]
        written = [message.data for message in store.get_stream_messages("account-1")]
        assert len(written) > 11
        assert found == written


def test_pages_read_ahead_give_every_message_once(
    store_schema: InstalledStore, small_pages: None, kind: str
) -> None:
    """Every message once and in order, from pages of all sizes, with gaps between them."""
    with opened(kind, store_schema.dsn) as client:
        for start in range(0, 400, 50):
            category = "account" if start % 150 else "other"
            client.write_messages(
                [NewMessage(f"{category}-{n % 7}", "T", n) for n in range(start, start + 50)]
            )
        for category, expected in (
            ("account", [n for n in range(400) if n // 50 * 50 % 150]),
            ("other", [n for n in range(400) if not n // 50 * 50 % 150]),
        ):
            found = client.get_category_messages(category, batch_size=10)
            assert [message.data for message in found] == expected
        assert [m.data for m in client.get_all_messages(batch_size=10)] == list(range(400))


def test_rows_in_no_order_are_given_in_order_a_few_at_a_time(store_schema: InstalledStore) -> None:
    """Few live at once; the order is that of numbers, below zero too."""
    statement = """
        SELECT '00000000-0000-4000-8000-000000000000'::uuid, 'account-1'::varchar, 'T'::varchar,
          n::bigint, (n * 7 % 999 - 500)::bigint, n::varchar, NULL::varchar, '2026-01-01'::timestamp
        FROM generate_series(1, 999) AS n"""
    for ordered_by, first in ((b"", 1), (b" ORDER BY 5", 999)):
        with coldstream.connect(store_schema.dsn) as store, store.connection() as connection:
            cursor = connection.execute(statement.encode() + ordered_by, binary=True)
            assert cursor.fetchmany(1)[0][3] == first
            parts = list(_ordered.ordered(cursor, "message_store"))
        messages = [message for part in parts for message in part]
        assert [m.global_position for m in messages] == list(range(-500, 499))
        assert all(m.position * 7 % 999 == m.global_position + 500 for m in messages)
        assert all(m.data == m.position and m.metadata is None for m in messages)
        assert len(parts) > 4


def test_messages_that_become_large_while_catching_up(
    store_schema: InstalledStore, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that was to be larger is given up where its messages would take more memory."""
    for module in (async_pages, sync_pages):
        monkeypatch.setattr(module, "_PAGE_BYTES", 20_000)
    sizes = [10] * 30 + [9_000] * 30
    with opened(kind, store_schema.dsn) as client:
        client.write_messages([NewMessage("account-1", "T", "x" * size) for size in sizes])
        held: list[int] = []
        to_messages = _calls.to_messages

        def counted(rows: list[Any]) -> list[coldstream.Message]:
            held.append(sum(len(row[5]) for row in rows))
            return to_messages(rows)

        for module in (_ordered, async_first, sync_first):
            monkeypatch.setattr(module, "to_messages", counted)
        found = client.get_category_messages("account", batch_size=2)
        assert [len(m.data) for m in found] == sizes
        # More than a page as asked for, and never more than was allowed.
        assert held[1] > held[0]
        assert max(held) <= 20_000


@pytest.mark.native
def test_what_many_write_meanwhile_is_not_passed_over(
    store_schema: InstalledStore, small_pages: None, kind: str
) -> None:
    """Every read is the beginning of what there is at the end, however its pages fell."""
    reads: list[list[int]] = []
    with (
        coldstream.connect(store_schema.dsn) as store,
        opened(kind, store_schema.dsn) as client,
        ThreadPoolExecutor(4) as pool,
    ):

        def write(writer: int) -> None:
            for number in range(200):
                store.write_message(f"account-{writer}", "T", number)

        writers = [pool.submit(write, writer) for writer in range(4)]
        while not all(writer.done() for writer in writers):
            found = client.get_category_messages("account", batch_size=4)
            reads.append([message.global_position for message in found])
        for writer in writers:
            writer.result()
    positions = [n for (n,) in store_schema.run("SELECT global_position FROM messages ORDER BY 1")]
    assert len(positions) == 800
    assert max(map(len, reads)) > 100
    assert all(read == positions[: len(read)] for read in reads)
