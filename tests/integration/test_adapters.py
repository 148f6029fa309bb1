"""What a program registers with psycopg, or does to a connection, is for its own statements."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.rows import dict_row
from tests.clients import opened
from tests.consuming import consuming
from tests.fix_store import InstalledStore

import coldstream
from coldstream import Message, NewMessage
from coldstream.client._sync.connections import Connections

LOADED = ("int4", "int8", "bool", "text", "varchar", "uuid", "timestamp", "timestamptz", "interval")
DUMPED = (int, str)


class Strange(Loader):
    def load(self, data: Any) -> str:
        return "strange"


class StrangeText(Dumper):
    def dump(self, obj: Any) -> bytes:
        return b"strange"


def register(context: AdaptContext) -> None:
    for name in LOADED:
        context.adapters.register_loader(name, Strange)
    for kind in DUMPED:
        context.adapters.register_dumper(kind, StrangeText)


@pytest.fixture
def registered() -> Iterator[None]:
    """For all connections of the process."""
    adapters = psycopg.adapters
    before = {
        name: loader
        for name in LOADED
        if (loader := adapters.get_loader(adapters.types.get_oid(name), Format.TEXT))
    }
    dumpers = [d for kind in DUMPED for d in _dumpers(kind)]
    register(adapters)
    yield
    for name, loader in before.items():
        adapters.register_loader(name, loader)
    for kind, dumper in dumpers:
        adapters.register_dumper(kind, dumper)


def _dumpers(kind: type) -> list[tuple[type, type[Dumper]]]:
    # The last one that was registered is the one that psycopg prefers.
    found = reversed(list(psycopg.adapters._dumpers.values()))
    return [(kind, dumpers[kind]) for dumpers in found if kind in dumpers]  # type: ignore[misc]


def test_ours_are_all_that_psycopg_has() -> None:
    """In a process in which nobody registers anything."""
    program = (
        "import psycopg\n"
        "from coldstream.client.adapters import OWN\n"
        "import coldstream.client._arrays\n"
        "for mine, theirs in zip(OWN._loaders, psycopg.adapters._loaders):\n"
        "    assert mine.keys() == theirs.keys(), theirs.keys() ^ mine.keys()\n"
        "for kind, theirs in psycopg.adapters._dumpers.items():\n"
        "    assert OWN._dumpers[kind].keys() == theirs.keys(), kind\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def use(client: Any, stream_name: str) -> None:
    data = {"n": 1, "text": "ä"}
    written = client.write_message(stream_name, "T", data)
    assert written.position == 0
    assert isinstance(written.global_position, int)
    assert client.write_messages([NewMessage(stream_name, "T", data)])[0].position == 1
    for messages in (
        client.get_stream_messages(stream_name),
        client.get_category_messages(stream_name.partition("-")[0]),
        [client.get_last_stream_message(stream_name)],
    ):
        for message in messages:
            assert isinstance(message.id, UUID)
            assert (message.stream_name, message.type, message.data) == (stream_name, "T", data)
            assert message.time.tzinfo is not None
    assert client.stream_version(stream_name) == 1


def test_of_all_connections(store_schema: InstalledStore, kind: str, registered: None) -> None:
    with opened(kind, store_schema.dsn, max_size=1) as client:
        use(client, f"all-{kind}")
        # His own statements are as he wants them.
        assert client.execute("SELECT 1") == [("strange",)]


def test_of_a_lent_connection(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        with store.connection() as connection:
            register(connection)
            connection.row_factory = dict_row  # type: ignore[assignment]
            assert connection.execute("SELECT 1 AS n").fetchall() == [{"n": "strange"}]
        with store.connection() as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
        with store.connection() as connection:
            register(connection)
        use(_Lists(store), "lent-1")


class _Lists:
    def __init__(self, store: coldstream.Store) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            result = getattr(self.store, name)(*arguments)
            return list(result) if hasattr(result, "__next__") else result

        return call


def test_what_is_done_to_a_poolers_connection_is_undone(
    store_schema: InstalledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = Connections._connect

    def as_through_a_pooler(connections: Connections) -> Any:
        pool = connect(connections)
        connections.is_direct = False
        return pool

    monkeypatch.setattr(Connections, "_connect", as_through_a_pooler)
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        with store.connection() as connection:
            register(connection)
            connection.row_factory = dict_row  # type: ignore[assignment]
            connection.autocommit = False
        use(_Lists(store), "pooler-1")


def test_of_a_handlers_connection(store_schema: InstalledStore, kind: str) -> None:
    """It is in the middle of his transaction: what is recorded there is recorded rightly."""
    category = f"handled{kind}"
    with consuming(kind, store_schema.dsn) as using:
        using.call("write_message", f"{category}-1", "T")
        consumer = using.consumer(category, category)
        results: list[Any] = []

        def spoil(connection: Any) -> None:
            register(connection)
            connection.row_factory = dict_row

        if kind == "sync":

            @consumer.default_handler
            def handle(message: Message, context: Any) -> None:
                spoil(context.connection())
                results.append(context.write_message(f"written{kind}-1", "T"))

        else:

            @consumer.default_handler
            async def handle_async(message: Message, context: Any) -> None:
                spoil(await context.connection())
                results.append(await context.write_message(f"written{kind}-1", "T"))

        assert using.run(consumer) == 1
        assert [result.position for result in results] == [0]
        assert using.call("stream_version", f"written{kind}-1") == 0


def test_arrays_are_lists(store_schema: InstalledStore) -> None:
    """Also of types that none of our calls to the store gives, which the lifecycle asks for."""
    with coldstream.connect(store_schema.dsn, schema=store_schema.schema, max_size=1) as store:
        with store._connections.connection() as connection:
            row = connection.execute(
                "SELECT ARRAY['a', 'b'], ARRAY['a']::varchar[], ARRAY[1]::bigint[], ARRAY[now()]"
            ).fetchone()
        assert row is not None
        assert row[:3] == (["a", "b"], ["a"], [1])
        assert isinstance(row[3], list)
