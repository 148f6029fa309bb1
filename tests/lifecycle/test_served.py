"""Clients that know SQL alone read every tier: through the archive server, as before the drop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest
from psycopg import sql
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore
from tests.history import END, START, STREAMS, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import Message
from coldstream.serve.run import Address, ServeOptions, serving
from coldstream.serve.run import Store as Served

pytestmark = pytest.mark.native

Ask = Callable[..., list[tuple[Any, ...]]]


def as_rows(messages: list[Message]) -> list[tuple[Any, ...]]:
    return [
        (
            str(m.id),
            m.stream_name,
            m.type,
            m.position,
            m.global_position,
            m.data_text,
            m.metadata_text,
            m.time.replace(tzinfo=None),
        )
        for m in messages
    ]


def asking(store: InstalledStore, connection: psycopg.Connection) -> Ask:
    def ask(name: str, *arguments: Any, **named: Any) -> list[tuple[Any, ...]]:
        parts: list[sql.Composable] = [sql.Placeholder()] * len(arguments)
        parts += [sql.SQL("{} => %s").format(sql.Identifier(each)) for each in named]
        statement = sql.SQL("SELECT * FROM {}({})").format(
            sql.Identifier(store.schema, name), sql.SQL(", ").join(parts)
        )
        return connection.execute(statement, [*arguments, *named.values()]).fetchall()

    return ask


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Address]]:
    """Start a server for a store, and register it."""
    contexts = []

    def start(store: InstalledStore, archive: str | None = None, seconds: float = 10) -> Address:
        served = Served(store.dsn, store.schema, archive, None)
        options = ServeOptions(listen=Address(host="127.0.0.1", port=0))
        context = serving(served, options)
        contexts.append((context, store))
        address = context.__enter__()
        served.register(address, sslmode="prefer", root=None, seconds=seconds)
        return address

    yield start
    for context, store in contexts:
        context.__exit__(None, None, None)
        store.run(f'DROP SERVER IF EXISTS "coldstream {store.schema}" CASCADE')


@pytest.fixture
def connection(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    dsn: str = request.getfixturevalue("dsn")
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def dropped(store: Store, *, force: bool = False) -> None:
    with store.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)


def test_every_tier_reads_the_same(
    tier: TierStore, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    serve(tier.installed)
    ask = asking(tier.installed, connection)
    for name in STREAMS:
        expected = as_rows(tier.of(name))
        if "-" not in name:
            continue
        for position in (0, 1, len(expected) - 1, len(expected)):
            for size in (1, 3, 1000, -1):
                found = ask("get_stream_messages", name, position, size)
                assert found == expected[position:][: None if size == -1 else size]
        assert ask("get_last_stream_message", name) == expected[-1:]
        for type in ("Opened", "Closed", "Never"):
            of_type = [row for row in expected if row[2] == type]
            assert ask("get_last_stream_message", name, type) == of_type[-1:]
    for category in ("account", "order", "border", "grün", "none"):
        expected = as_rows(tier.of_category(category))
        positions = [0, 1, *(row[4] + 1 for row in expected[::5])]
        for position in positions:
            for size in (1, 4, 1000, -1):
                rest = [row for row in expected if row[4] >= position]
                found = ask("get_category_messages", category, position, size)
                assert found == rest[: None if size == -1 else size]
    everything = as_rows(tier.truth)
    assert ask("get_all_messages", 1, -1) == everything
    found, position = [], 1
    while page := ask("get_all_messages", position, 7):
        found += page
        position = page[-1][4] + 1
    assert found == everything


def test_filters_and_conditions(
    store: Store, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    connection.execute("SET message_store.sql_condition = on")
    ask = asking(store.installed, connection)
    questions: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("get_category_messages", "account", 1, 5), {"correlation": "order"}),
        (("get_category_messages", "account", 1, 1000), {"correlation": "account"}),
        *(
            (
                ("get_category_messages", "account", 1, 4),
                {"consumer_group_member": member, "consumer_group_size": 3},
            )
            for member in range(3)
        ),
        (("get_category_messages", "account", 1, 3), {"condition": "messages.type = 'Closed'"}),
        (("get_category_messages", "account", 1), {"condition": "position = 0 AND data IS NULL"}),
        (("get_stream_messages", "account-1", 2, 3), {"condition": "type = 'Opened'"}),
        (("get_stream_messages", "account-1", 0), {"condition": "time > '2025-01-20'"}),
        (("get_stream_messages", "account-1", 0), {"condition": "data ->> 'amount' IS NOT NULL"}),
        (("get_stream_messages", "account-1", None, None), {}),
        (("get_stream_messages", "account-1", -5, 2), {}),
        (("get_stream_messages", "account-1", 0, 0), {}),
        (("get_category_messages", "account", 1, 0), {}),
        (("get_category_messages", "account", None, None), {}),
    ]
    before = [ask(*arguments, **named) for arguments, named in questions]
    assert any(before)
    dropped(store)
    serve(store.installed, store.archive)
    assert [ask(*arguments, **named) for arguments, named in questions] == before
    for wrong in ("nonsense", "1 = 1; DROP TABLE x"):
        with pytest.raises(psycopg.Error):
            ask("get_stream_messages", "account-1", 0, 10, wrong)
    with pytest.raises(psycopg.Error):
        ask("get_category_messages", "account", 1, -2)


def test_streams_with_gaps_and_out_of_order(
    store: Store, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    # A gap that a plain INSERT left, and one that a DELETE did; positions that run against time.
    store.run(
        "INSERT INTO messages (stream_name, position, type, time) "
        "VALUES ('gap-1', 0, 'A', %s), ('gap-1', 7, 'A', %s), ('gap-1', 9, 'A', %s)",
        [START + timedelta(days=1), START + WEEK + timedelta(days=1), END + timedelta(days=1)],
    )
    store.run(
        "INSERT INTO messages (stream_name, position, type, time) "
        "VALUES ('back-1', 0, 'A', %s), ('back-1', 1, 'A', %s), ('back-1', 2, 'A', %s)",
        [START + 2 * WEEK, START + timedelta(hours=1), END + timedelta(days=1)],
    )
    store.run("DELETE FROM messages WHERE stream_name = 'account-1' AND position = 5")
    ask = asking(store.installed, connection)
    questions = [
        (name, position, size)
        for name in ("gap-1", "back-1", "account-1")
        for position in range(12)
        for size in (1, 2, 1000)
    ]
    before = [ask("get_stream_messages", *question) for question in questions]
    last = [ask("get_last_stream_message", name) for name in ("gap-1", "back-1", "account-1")]
    dropped(store)
    serve(store.installed, store.archive)
    assert [ask("get_stream_messages", *question) for question in questions] == before
    assert [
        ask("get_last_stream_message", name) for name in ("gap-1", "back-1", "account-1")
    ] == last


def test_what_is_nowhere_is_an_error_and_never_left_out(
    store: Store, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    ask = asking(store.installed, connection)
    before = ask("get_stream_messages", "account-1", 0, 1000)
    with store.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
    [(third,)] = store.run("SELECT range_start FROM chunks ORDER BY range_start OFFSET 2 LIMIT 1")
    store.run("SELECT drop_range(%s, true)", [third])
    store.run(
        "UPDATE chunks SET archive_object = NULL, archive_url = NULL, archive_manifest = NULL "
        "WHERE range_start = %s",
        [third],
    )
    store.run("DELETE FROM archive_files WHERE range_start = %s", [third])
    with store.opened() as opened:
        opened.lifecycle.drop(END)
    serve(store.installed, store.archive)
    assert ask("get_stream_messages", "account-1", 0, 8) == before[:8]
    for question in (
        ("get_stream_messages", "account-1", 0, 9),
        ("get_stream_messages", "account-1", 0, 1000),
        ("get_stream_messages", "account-1", 8, 1),
        ("get_category_messages", "account", 1, 1000),
        ("get_all_messages", 1, -1),
    ):
        with pytest.raises(psycopg.Error) as caught:
            ask(*question)
        assert caught.value.sqlstate == "CS001"
    assert ask("get_stream_messages", "account-1", 12, 1000) == before[12:]


def test_the_setting_the_role_and_a_server_that_is_gone(
    store: Store, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    ask = asking(store.installed, connection)
    before = ask("get_category_messages", "account", 1, 1000)
    dropped(store)

    def state(setting: str | None = None, name: str = "get_category_messages") -> str | None:
        argument = "account" if "category" in name else "account-1"
        connection.execute("RESET message_store.archived_reads")
        if setting is not None:
            connection.execute(f"SET message_store.archived_reads = '{setting}'".encode())
        try:
            found = ask(name, argument, 1, 1000)
        except psycopg.Error as error:
            return error.sqlstate
        return None if found == before else f"{len(found)} rows"

    assert state() == "CS001"
    assert state("fetch") == "CS014"  # There is none.
    address = serve(store.installed, store.archive, seconds=2)
    assert state() is None
    assert state("fetch") is None
    assert state("error") == "CS001"
    assert state("skip") == "0 rows"
    assert state("skip", "get_stream_messages") == "CS001"
    assert state("nonsense") == "22023"
    # The application's role needs nothing more, and sees no password.
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(store.installed.role)))
    assert state() is None
    assert connection.execute(
        "SELECT umoptions FROM pg_user_mappings WHERE srvname LIKE 'coldstream %'"
    ).fetchall() == [(None,)]
    for forbidden in (
        f"SELECT {store.installed.schema}.ask_archive_server('{{}}', true)",
        f"SELECT * FROM {store.installed.schema}.archive_server_users",
        f"SELECT dblink_connect('x', 'coldstream {store.installed.schema}')",
    ):
        with pytest.raises(psycopg.Error):
            connection.execute(forbidden.encode())
    connection.execute("RESET ROLE")
    # Another port: nobody answers there.
    server = sql.Identifier(f"coldstream {store.installed.schema}")
    with psycopg.connect(store.installed.dsn, autocommit=True) as other:
        other.execute(sql.SQL("ALTER SERVER {} OPTIONS (SET port '1')").format(server))
        gone = asking(store.installed, other)
        with pytest.raises(psycopg.Error, match="did not answer") as caught:
            gone("get_stream_messages", "account-1", 0, 10)
        assert caught.value.sqlstate == "CS014"
    assert replace(address).port != 1
    # A session that was connected goes on, and so does one after it was told to.
    assert state() is None


def test_a_read_in_a_transaction_sees_what_it_wrote(
    store: Store, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    dropped(store)
    serve(store.installed, store.archive)
    ask = asking(store.installed, connection)
    schema = sql.Identifier(store.installed.schema)
    before = ask("get_stream_messages", "account-1", 0, 1000)
    with connection.transaction(force_rollback=True):
        connection.execute(
            sql.SQL(
                "SELECT {}.write_message(gen_random_uuid()::text, 'account-1', 'New', '{{}}')"
            ).format(schema)
        )
        found = ask("get_stream_messages", "account-1", 0, 1000)
        assert found[:-1] == before
        assert found[-1][2] == "New"
    for level in ("REPEATABLE READ", "SERIALIZABLE"):
        with connection.transaction():
            connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}, READ ONLY".encode())
            assert ask("get_stream_messages", "account-1", 0, 1000) == before
            assert len(ask("get_category_messages", "account", 1, 1000)) > len(before)


def test_a_statement_that_is_cancelled_leaves_nothing_behind(
    store: Store, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    ask = asking(store.installed, connection)
    before = ask("get_stream_messages", "account-1", 0, 1000)
    dropped(store)
    serve(store.installed, store.archive)
    cancelled = 0
    for milliseconds in range(1, 40):
        connection.execute(f"SET statement_timeout = {milliseconds}".encode())
        try:
            assert ask("get_stream_messages", "account-1", 0, 1000) == before
        except psycopg.errors.QueryCanceled:
            cancelled += 1
        connection.execute("RESET statement_timeout")
        # Never the answer to the question before.
        assert ask("get_stream_messages", "account-1", 3, 2) == before[3:5]
    assert cancelled > 0


def test_unregistered(
    store: Store, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    dropped(store)
    serve(store.installed, store.archive)
    served = Served(store.installed.dsn, store.installed.schema, store.archive, None)
    assert served.unregister() is True
    assert served.unregister() is False
    ask = asking(store.installed, connection)
    with pytest.raises(psycopg.Error) as caught:
        ask("get_stream_messages", "account-1", 0, 10)
    assert caught.value.sqlstate == "CS001"
    assert served.users() == {}


def test_a_renamed_schema_and_one_that_is_deleted(
    store: Store, serve: Callable[..., Address], connection: psycopg.Connection
) -> None:
    ask = asking(store.installed, connection)
    before = ask("get_stream_messages", "account-1", 0, 1000)
    dropped(store)
    serve(store.installed, store.archive)
    other = f"{store.installed.schema}_renamed"
    connection.execute(
        sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
            sql.Identifier(store.installed.schema), sql.Identifier(other)
        )
    )
    try:
        coldstream.install(store.installed.dsn, schema=other)
        renamed = InstalledStore(store.installed.dsn, other)
        # A server for the new name reads what was archived under the old one.
        serve(renamed, store.archive)
        assert asking(renamed, connection)("get_stream_messages", "account-1", 0, 1000) == before
        names = connection.execute(
            "SELECT srvname FROM pg_foreign_server WHERE srvname LIKE 'coldstream %'"
        ).fetchall()
        assert [name for (name,) in names if store.installed.schema in name] == [
            f"coldstream {other}"
        ]
    finally:
        connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                sql.Identifier(other), sql.Identifier(store.installed.schema)
            )
        )
        coldstream.install(store.installed.dsn, schema=store.installed.schema)


def test_a_monitor_gets_the_figures_of_the_store_and_of_the_server(store: Store) -> None:
    installed = store.installed
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ServeOptions(
        listen=Address(host="127.0.0.1", port=0), monitor=Address(host="127.0.0.1", port=port)
    )
    served = Served(installed.dsn, installed.schema, store.archive, None)
    with (
        serving(served, options),
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer,
    ):
        lines = answer.read().decode().splitlines()
    assert f'coldstream_up{{schema="{installed.schema}"}} 1.0' in lines
    assert "coldstream_serve_connections 0.0" in lines
