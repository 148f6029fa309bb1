"""What our connections set, what they leave to the DSN, and what callers may not leave behind."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from tests.clients import opened
from tests.fix_store import InstalledStore

import coldstream
from coldstream import ColdstreamError, ExpectedVersionError, StoreClosed, Unavailable
from coldstream.client.connect import connect

SHOWN = ("search_path", "datestyle", "intervalstyle", "timezone", "array_nulls", "bytea_output")


@contextmanager
def database_settings(dsn: str, **settings: str) -> Iterator[None]:
    """Settings of the database, for who connects meanwhile."""
    name = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting, value in settings.items():
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    name, sql.Identifier(setting), sql.Literal(value)
                )
            )
    try:
        yield
    finally:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(name))


def shown(connection: psycopg.Connection) -> dict[str, str]:
    return {
        name: connection.execute("SELECT pg_catalog.current_setting(%s)", [name]).fetchall()[0][0]
        for name in SHOWN
    }


def cut_all(store: InstalledStore) -> None:
    """End every other connection to the database, and wait until it is gone."""
    store.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND backend_type = 'client backend' "
        "AND pid <> pg_backend_pid()"
    )


@pytest.mark.native
def test_our_settings_hold_against_those_of_the_database(store_schema: InstalledStore) -> None:
    with database_settings(
        store_schema.dsn,
        search_path="public",
        datestyle="SQL, DMY",
        intervalstyle="iso_8601",
        timezone="Asia/Kolkata",
        array_nulls="off",
        bytea_output="escape",
    ):
        with coldstream.connect(store_schema.dsn, max_size=1) as store:
            with store._connections.connection() as connection:
                assert shown(connection) == {
                    "search_path": "pg_catalog, pg_temp",
                    "datestyle": "ISO, MDY",
                    "intervalstyle": "postgres",
                    "timezone": "UTC",
                    "array_nulls": "on",
                    "bytea_output": "hex",
                }
            # His own SQL finds what it would find without us.
            with store.connection() as connection:
                assert shown(connection)["search_path"] == "public"
                assert shown(connection)["timezone"] == "Asia/Kolkata"
            store.write_message("account-1", "T", {"a": 1})
            [message] = store.get_stream_messages("account-1")
            assert abs((datetime.now(UTC) - message.time).total_seconds()) < 60
            store.lifecycle.get_policy()
            store.lifecycle.get_chunks()
        with connect(store_schema.dsn, "message_store") as connection:
            assert shown(connection)["search_path"] == "pg_catalog, pg_temp"


@pytest.mark.native
def test_an_operator_of_somebody_else_does_not_run(store_schema: InstalledStore) -> None:
    store_schema.run(
        "CREATE FUNCTION public.same(a text, b varchar) RETURNS boolean LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'ran'; END $$"
    )
    store_schema.run(
        "CREATE OPERATOR public.= (leftarg = text, rightarg = varchar, function = public.same)"
    )
    try:
        with coldstream.connect(store_schema.dsn) as store:
            store.write_message("account-1", "T")
            assert store.stream_version("account-1") == 0
            assert len(list(store.get_stream_messages("account-1"))) == 1
            assert len(list(store.get_category_messages("account"))) == 1
            assert store.get_last_stream_message("account-1") is not None
            store.lifecycle.get_chunks()
    finally:
        store_schema.run("DROP OPERATOR public.= (text, varchar)")
        store_schema.run("DROP FUNCTION public.same")


def test_what_a_caller_sets_is_gone(kind: str, store_schema: InstalledStore) -> None:
    with opened(kind, store_schema.dsn, max_size=1) as client:
        client.execute("SELECT set_config('default_transaction_read_only', 'on', false)")
        client.execute("SELECT set_config('intervalstyle', 'iso_8601', false)")
        assert client.write_message("account-1", "T").position == 0
        client.execute("SELECT set_config('search_path', 'nowhere', false)")
        [(path,)] = client.execute("SELECT current_setting('search_path')")
        assert path == '"$user", public'


def test_what_a_caller_does_to_the_connection_is_undone(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        with store.connection() as connection:
            connection.row_factory = dict_row  # type: ignore[assignment]
            connection.autocommit = False
            connection.read_only = True
        assert store.write_message("account-1", "T").position == 0
        with store.connection() as connection:
            assert connection.autocommit
            assert connection.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.native
def test_a_role_that_a_caller_took_is_given_up(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        with store.connection() as connection:
            connection.execute("SET ROLE pg_monitor")
        assert store.write_message("account-1", "T").position == 0


@pytest.mark.native
def test_the_dsn_says_what_is_its_own(
    store_schema: InstalledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = (
        "SELECT current_setting('application_name'), current_setting('statement_timeout'), "
        "current_setting('search_path')"
    )
    dsn = make_conninfo(
        store_schema.dsn,
        application_name="shop",
        options="-c statement_timeout=12345 -c search_path=message_store,public",
    )
    with opened("sync", dsn) as client:
        assert client.execute(show) == [("shop", "12345ms", "message_store,public")]
    with opened("sync", store_schema.dsn) as client:
        assert client.execute(show)[0][0] == "coldstream"
    monkeypatch.setitem(os.environ, "PGAPPNAME", "billing")
    monkeypatch.setitem(os.environ, "PGOPTIONS", "-c statement_timeout=23456")
    with opened("sync", store_schema.dsn) as client:
        assert client.execute(show)[0][:2] == ("billing", "23456ms")


@pytest.mark.native
def test_through_a_pooler_what_reading_needs_is_set_and_no_more(
    pgbouncer_dsn: str, store_schema: InstalledStore
) -> None:
    with database_settings(store_schema.dsn, datestyle="SQL, DMY", search_path="public"):
        # pgbouncer is to connect anew, so that it has these settings.
        cut_all(store_schema)
        with coldstream.connect(pgbouncer_dsn, max_size=2) as store:
            store.write_message("account-1", "T")
            [message] = store.get_stream_messages("account-1")
            assert abs((datetime.now(UTC) - message.time).total_seconds()) < 60
            with store.connection() as connection:
                assert shown(connection)["search_path"] == "public"
                assert shown(connection)["datestyle"] == "ISO, MDY"


@pytest.mark.native
def test_a_server_that_takes_no_writes_is_left(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn, max_size=3) as store:
        with database_settings(store_schema.dsn, default_transaction_read_only="on"):
            cut_all(store_schema)
            with pytest.raises(Unavailable, match=r"^The server takes no writes: ") as caught:
                store.write_message("account-1", "T")
            assert "target_session_attrs" in (caught.value.hint or "")
            store._connections._renewed_at = 0.0
        # The connections are those of a server that took no writes, and the next write leaves them.
        assert store.write_message("account-1", "T").position == 0


@pytest.mark.native
def test_an_idle_connection_that_was_cut_is_found_out(
    kind: str, store_schema: InstalledStore
) -> None:
    with opened(kind, store_schema.dsn, max_size=2) as client:
        client.write_message("account-1", "T")
        calls = [
            lambda: client.write_message("account-1", "T"),
            lambda: client.stream_version("account-1"),
            lambda: client.get_category_messages("account"),
            lambda: client.get_all_messages(),
        ]
        for call in calls:
            cut_all(store_schema)
            call()


def test_a_store_that_was_closed(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn) as store:
        store.write_message("account-1", "T")
    with pytest.raises(StoreClosed) as caught:
        store.write_message("account-1", "T")
    assert "open()" in (caught.value.hint or "")


def test_an_async_store_that_was_closed(store_schema: InstalledStore) -> None:
    async def use() -> None:
        store = coldstream.connect_async(store_schema.dsn)
        with pytest.raises(StoreClosed):
            await store.stream_version("account-1")
        async with store:
            await store.stream_version("account-1")
        with pytest.raises(StoreClosed):
            await store.stream_version("account-1")
        with pytest.raises(StoreClosed):
            await store.lifecycle.get_chunks()

    asyncio.run(use())


def test_a_store_that_was_never_opened(store_schema: InstalledStore) -> None:
    store = coldstream.connect(store_schema.dsn)
    with pytest.raises(StoreClosed):
        store.stream_version("account-1")
    with pytest.raises(StoreClosed), store.connection():
        pass
    with pytest.raises(StoreClosed):
        store.lifecycle.get_chunks()


@pytest.mark.native
def test_an_idempotent_write_is_repeated_when_its_answer_is_lost(
    store_schema: InstalledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        lost = [psycopg.OperationalError("server closed the connection unexpectedly")]
        execute = psycopg.Connection.execute

        def losing(self: psycopg.Connection, *args: object, **kwargs: object) -> object:
            result = execute(self, *args, **kwargs)  # type: ignore[call-overload]
            if lost and b"write_message" in bytes(args[0]):  # type: ignore[call-overload]
                self.close()
                raise lost.pop()
            return result

        monkeypatch.setattr(psycopg.Connection, "execute", losing)
        id = "0197a000-0000-7000-8000-000000000001"
        result = store.write_message("account-1", "T", id=id, idempotent=True)
        assert (result.position, lost) == (0, [])
        assert len(list(store.get_stream_messages("account-1"))) == 1


def test_an_error_that_says_it_all_has_no_other_before_it(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn) as store:
        with pytest.raises(ExpectedVersionError) as caught:
            store.write_message("account-1", "T", expected_version=7)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_errors_of_reading_what_the_server_sent_are_ours(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn) as store:
        connections = store._connections
        with connections.connection() as connection:
            cursor = connection.execute("SELECT 'infinity'::timestamptz")
        with pytest.raises(ColdstreamError):
            connections.fetch(cursor)


@pytest.mark.native
@pytest.mark.parametrize("setting", ["idle_in_transaction_session_timeout", "statement_timeout"])
def test_a_time_limit_of_the_role_is_named(store_schema: InstalledStore, setting: str) -> None:
    dsn = make_conninfo(store_schema.dsn, options=f"-c {setting}=100ms")
    with coldstream.connect(dsn) as store:
        with pytest.raises(Unavailable) as raised:
            outlast(store, setting)
        assert setting in (raised.value.hint or "")
        # What we do is done in time.
        assert store.write_message("account-1", "T").position == 0


def outlast(store: coldstream.Store, setting: str) -> None:
    with store.connection() as connection:
        connection.execute("BEGIN")
        if setting == "statement_timeout":
            connection.execute("SELECT pg_sleep(20)")
        while True:
            connection.execute("SELECT 1")
            # Until the server has ended the session.
            time.sleep(0.3)
