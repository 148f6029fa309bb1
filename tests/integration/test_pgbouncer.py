"""Through pgbouncer in transaction mode: a client's next statement may be on another connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.clients import opened
from tests.fix_store import InstalledStore

import coldstream
from coldstream import ExpectedVersionError

pytestmark = pytest.mark.native

THREADS = 8
CALLS = 40


def test_hundreds_of_calls_from_several_threads(
    pgbouncer_dsn: str, store_schema: InstalledStore
) -> None:
    with coldstream.connect(pgbouncer_dsn, max_size=THREADS) as store:

        def call(thread: int) -> None:
            name = f"account-{thread}"
            for number in range(CALLS):
                assert store.write_message(name, "T", number).position == number
                assert store.stream_version(name) == number
                last = store.get_last_stream_message(name)
                assert last is not None
                assert last.data == number
            assert [m.data for m in store.get_stream_messages(name, batch_size=7)] == list(
                range(CALLS)
            )

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(call, range(THREADS)))
        assert len(list(store.get_all_messages(batch_size=50))) == THREADS * CALLS


def test_either_client(pgbouncer_dsn: str, store_schema: InstalledStore, kind: str) -> None:
    with opened(kind, pgbouncer_dsn) as client:
        for number in range(20):
            assert client.write_message("account-1", "T", number).position == number
        with pytest.raises(ExpectedVersionError):
            client.write_message("account-1", "T", expected_version=3)
        assert [m.data for m in client.get_category_messages("account", batch_size=3)] == list(
            range(20)
        )


def test_no_setting_stays_on_a_connection(pgbouncer_dsn: str, store_schema: InstalledStore) -> None:
    with coldstream.connect(pgbouncer_dsn, max_size=1) as store:
        store.write_message("account-1", "T")
        list(store.get_stream_messages("account-1"))
        with store.connection() as connection:
            for name in ("message_store.archived_reads", "search_path"):
                [(value,)] = connection.execute(
                    "SELECT current_setting(%s, true)", [name]
                ).fetchall()
                assert value in (None, "", '"$user", public')
