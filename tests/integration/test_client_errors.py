"""The server's errors as ours, by either client; and what a store leaves behind: nothing."""

from __future__ import annotations

import gc
import os
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.clients import CLIENTS, Client, opened
from tests.fix_store import InstalledStore
from tests.history import END, START, WEEK, history, insert, move

import coldstream
from coldstream import (
    Archived,
    ClockAhead,
    InvalidInput,
    LateMessage,
    NewMessage,
    NotInstalled,
    SetupError,
    Unavailable,
)

OpenClient = Callable[..., Client]


def test_no_store_in_the_schema(kind: str, message_store: InstalledStore) -> None:
    with (
        pytest.raises(NotInstalled, match=r"^No store in schema nowhere$") as caught,
        opened(kind, message_store.dsn, schema="nowhere"),
    ):
        pass
    assert caught.value.hint == "Install one with coldstream init, or name its schema."


@pytest.mark.parametrize("schema", ["", "a-b", "x" * 64, 'a"b', "a;b"])
def test_a_schema_that_cannot_be(kind: str, message_store: InstalledStore, schema: str) -> None:
    with (
        pytest.raises(InvalidInput, match=r"^Not a schema name"),
        opened(kind, message_store.dsn, schema=schema),
    ):
        pass


@pytest.mark.parametrize(
    "change",
    [
        {"port": 1},
        {"host": "no-such-host.invalid"},
        pytest.param({"user": "nobody_at_all", "password": "x"}, marks=pytest.mark.native),
    ],
)
def test_a_server_that_is_not_there(kind: str, dsn: str, change: dict[str, Any]) -> None:
    with (
        pytest.raises(Unavailable, match=r"^Cannot connect: ") as caught,
        opened(kind, make_conninfo(dsn, **change)),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresq://me:secret@127.0.0.1/db",
        "postgresql://me:secret@127.0.0.1:port/db",
        "postgresql://me:secret@127.0.0.1/db?unheard=1",
        "host=127.0.0.1 password=secret unheard=1",
        "host=127.0.0.1 password='secret",
        "host=127.0.0.1 password=a secret",
        "postgresql://me:%zzsecret@127.0.0.1/db",
        "postgresql://[::1]x:secret@127.0.0.1/db",
        "postgresql://127.0.0.1/db?sslmode=secret",
        "postgresql://me:pass@secret@127.0.0.1:1/db",
        "host=127.0.0.1 port=secret",
        "host=127.0.0.1 connect_timeout=secret",
        "host=127.0.0.1 target_session_attrs=secret",
    ],
)
def test_a_dsn_that_cannot_be_read_is_not_repeated(kind: str, wrong: str) -> None:
    with pytest.raises((InvalidInput, Unavailable)) as caught, opened(kind, wrong):
        pass
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    # Nor in what a traceback of it would show.
    assert "secret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.native
@pytest.mark.parametrize("options", ["secret", "-c statement_timeout=secret"])
def test_options_that_the_server_refuses_are_not_repeated(dsn: str, options: str) -> None:
    with pytest.raises(Unavailable) as caught, opened("sync", make_conninfo(dsn, options=options)):
        pass
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_the_pool_is_exhausted(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn, max_size=1, timeout=2) as store:
        with store.connection(), pytest.raises(Unavailable, match=r"^No connection") as caught:
            store.stream_version("account-1")
        assert caught.value.hint is not None
        assert "max_size" in caught.value.hint
        assert store.stream_version("account-1") is None


@pytest.mark.native
def test_the_connection_is_lost_between_two_reads(
    store_schema: InstalledStore, open_client: OpenClient
) -> None:
    client = open_client(store_schema, max_size=1)
    client.write_message("account-1", "T")
    [(pid,)] = client.execute("SELECT pg_backend_pid()")
    terminate(store_schema, pid)
    # A read is safe to repeat, and is repeated.
    assert len(client.get_stream_messages("account-1")) == 1


@pytest.mark.native
def test_the_connection_is_lost_before_a_write(
    store_schema: InstalledStore, open_client: OpenClient
) -> None:
    client = open_client(store_schema, max_size=1)
    [(pid,)] = client.execute("SELECT pg_backend_pid()")
    terminate(store_schema, pid)
    # What has ended while it was idle is found out before anything is sent over it.
    assert client.write_message("account-1", "T").position == 0


@pytest.mark.native
def test_the_server_goes_away_in_the_middle_of_an_iterator(
    store_schema: InstalledStore, message_store: InstalledStore
) -> None:
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        store.write_messages([NewMessage("account-1", "T", n) for n in range(10)])
        messages = store.get_stream_messages("account-1", batch_size=3)
        found = [next(messages).data]
        with store.connection() as connection:
            pid = connection.info.backend_pid
        terminate(store_schema, pid)
        assert found + [m.data for m in messages] == list(range(10))


def terminate(installed: InstalledStore, pid: int) -> None:
    installed.run("SELECT pg_terminate_backend(%s)", [pid])
    while installed.run("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]):
        time.sleep(0.01)


@pytest.mark.native
def test_a_role_without_privileges(store_schema: InstalledStore, kind: str) -> None:
    stranger = f"stranger_{os.getpid()}"  # roles are the whole server's
    store_schema.run(f"CREATE ROLE {stranger} LOGIN PASSWORD 'x'")
    try:
        dsn = make_conninfo(store_schema.dsn, user=stranger, password="x")
        with pytest.raises(SetupError, match=r"^permission denied") as caught, opened(kind, dsn):
            pass
        assert caught.value.hint is not None
        assert "owner" in caught.value.hint
    finally:
        store_schema.run(f"DROP ROLE {stranger}")


def test_a_stream_that_is_ahead_of_the_clock(
    store_schema: InstalledStore, open_client: OpenClient
) -> None:
    store_schema.run("SELECT write_message(gen_random_uuid()::text, 'account-1', 'T', NULL)")
    store_schema.run("UPDATE streams SET time = time + INTERVAL '2 hours'")
    client = open_client(store_schema)
    with pytest.raises(ClockAhead, match=r"account-1") as caught:
        client.write_message("account-1", "T")
    assert caught.value.hint is not None
    assert "max_clock_lead" in caught.value.hint
    with pytest.raises(ClockAhead):
        client.write_messages([NewMessage("order-1", "T"), NewMessage("account-1", "T")])
    assert (client.stream_version("account-1"), client.stream_version("order-1")) == (0, None)


@pytest.fixture
def archived(
    quiet_store: InstalledStore, tmp_path_factory: pytest.TempPathFactory
) -> tuple[InstalledStore, str]:
    """The history, archived and dropped; and where."""
    insert(quiet_store, history())
    archive = tmp_path_factory.mktemp("archive").as_uri()
    move(quiet_store, archive, "archived")
    return quiet_store, archive


def test_an_archive_that_is_not_there(
    archived: tuple[InstalledStore, str],
    kind: str,
    tmp_path: object,
) -> None:
    installed, _ = archived
    with opened(
        kind, installed.dsn, schema=installed.schema, archive=f"file://{tmp_path}/elsewhere"
    ) as client:
        for read, name in (
            ("get_stream_messages", "account-1"),
            ("get_category_messages", "account"),
            ("get_last_stream_message", "account-1"),
        ):
            with pytest.raises(coldstream.ArchiveUnavailable) as caught:
                getattr(client, read)(name)
            assert "\n" not in str(caught.value)


def test_a_message_for_a_range_that_is_archived(archived: tuple[InstalledStore, str]) -> None:
    installed, archive = archived
    with (
        coldstream.connect(installed.dsn, schema=installed.schema, archive=archive) as store,
        pytest.raises(LateMessage, match=r"which is dropped$") as caught,
        store.connection() as connection,
    ):
        connection.execute(
            f"INSERT INTO {installed.schema}.messages (stream_name, position, type, time)"
            " VALUES ('late-1', 0, 'T', %s)".encode(),
            [START + WEEK],
        )
    assert caught.value.hint is not None
    assert installed.run("SELECT count(*) FROM messages") == [(0,)]
    assert installed.run("SELECT stream_version('late-1')") == [(None,)]


@pytest.fixture
def gone(quiet_store: InstalledStore) -> InstalledStore:
    """The history, of which the first two chunks were dropped by force."""
    insert(quiet_store, history())
    age = "clock_timestamp() - %s"
    quiet_store.run(
        f"SELECT * FROM drop_chunks_older_than({age}, force => true)", [START + 2 * WEEK]
    )
    return quiet_store


@pytest.mark.parametrize(
    ("read", "arguments"),
    [
        ("get_stream_messages", ["account-1"]),
        ("get_stream_messages", ["account-1", 7]),
        ("get_stream_messages", ["account-2"]),
        ("get_last_stream_message", ["account-2"]),
        ("get_category_messages", ["account"]),
        ("get_all_messages", []),
    ],
)
def test_a_range_that_was_dropped_by_force(
    gone: InstalledStore, open_client: OpenClient, read: str, arguments: list[object]
) -> None:
    client = open_client(gone)
    with pytest.raises(Archived) as caught:
        getattr(client, read)(*arguments)
    assert caught.value.hint
    assert "dropped by force" in f"{caught.value} {caught.value.hint}"


def test_what_was_not_dropped_is_read(gone: InstalledStore, open_client: OpenClient) -> None:
    client = open_client(gone)
    assert [m.position for m in client.get_stream_messages("account-1", 8)] == list(range(8, 24))
    assert client.get_last_stream_message("account-1").position == 23
    assert client.stream_version("account-2") == 3
    assert client.write_message("account-2", "T").position == 4
    assert [m.position for m in client.get_stream_messages("account-2", 4)] == [4]
    edge = max(row[0] for row in history() if row[2] < START + 2 * WEEK)
    found = client.get_category_messages("account", edge + 1)
    assert [m.id for m in found[:-1]] == [
        row[7]
        for row in sorted(history())
        if row[0] > edge and row[3].partition("-")[0] == "account"
    ]


def test_a_store_is_opened_again(store_schema: InstalledStore) -> None:
    store = coldstream.connect(store_schema.dsn)
    with store:
        store.write_message("account-1", "T")
    with store:
        assert store.write_message("account-1", "T").position == 1
    store.open()
    assert store.stream_version("account-1") == 1
    store.close()


@pytest.mark.parametrize("kind_", CLIENTS)
@pytest.mark.parametrize(
    ("read", "arguments"),
    [
        ("get_stream_messages", ["account-1"]),
        ("get_category_messages", ["account"]),
        ("get_all_messages", []),
    ],
)
def test_a_reader_left_half_way_keeps_no_connection(
    store_schema: InstalledStore, kind_: str, read: str, arguments: list[object]
) -> None:
    with opened(kind_, store_schema.dsn, max_size=1, timeout=2) as client:
        client.write_messages([NewMessage("account-1", "T", n) for n in range(10)])
        found = client.take(2, read, *arguments, batch_size=1)
        assert [m.data for m in found] == [0, 1]
        # With a pool of one, a connection that was kept would make this wait and fail.
        assert client.stream_version("account-1") == 9
        gc.collect()


def test_two_schemas_do_not_see_each_other(
    store_schema: InstalledStore, quiet_store: InstalledStore, kind: str
) -> None:
    id = coldstream.NewMessage("account-1", "T").id
    with opened(kind, store_schema.dsn) as client:
        client.write_message("account-1", "Here", id=id)
        client.write_message("account-1", "Here")
    with opened(kind, quiet_store.dsn, schema=quiet_store.schema) as client:
        assert client.stream_version("account-1") is None
        assert client.get_all_messages() == []
        assert client.write_message("account-1", "There", id=id).position == 0
        assert [m.type for m in client.get_category_messages("account")] == ["There"]
    with opened(kind, store_schema.dsn) as client:
        assert [m.type for m in client.get_stream_messages("account-1")] == ["Here", "Here"]


def test_a_connection_for_sql_of_ones_own(
    store_schema: InstalledStore, open_client: OpenClient
) -> None:
    client = open_client(store_schema)
    client.write_message("account-1", "T")
    assert client.execute("SELECT message_store.stream_version('account-1')") == [(0,)]
    with pytest.raises(coldstream.ColdstreamError) as caught:
        client.execute("SELECT 1 / 0")
    assert isinstance(caught.value.__cause__, psycopg.errors.DivisionByZero)
    # The connection went back to the pool as it was.
    assert client.execute("SELECT 1") == [(1,)]


def test_an_age_that_is_older_than_every_chunk(gone: InstalledStore) -> None:
    with coldstream.connect(gone.dsn, schema=gone.schema) as store:
        assert store.lifecycle.drop(timedelta.max) == []
    assert END > START
