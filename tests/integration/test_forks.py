"""Child processes: they have connections of their own, and are told what they cannot do."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fix_store import InstalledStore
from tests.history import END, history, insert

import coldstream

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork"),
    # Python warns that a fork of a process with threads may hang: this is what is tried here.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def in_child(call: Callable[[], Any]) -> Any:
    """What a call gives in a forked child, or the error that it raises, as text."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)

    def run() -> None:
        try:
            send.send(call())
        except Exception as error:
            send.send(f"{type(error).__name__}: {error}")
        os._exit(0)

    child = context.Process(target=run)
    child.start()
    try:
        assert receive.poll(30), "the child hangs"
        return receive.recv()
    finally:
        child.kill()
        child.join()


def test_a_child_has_connections_of_its_own(store_schema: InstalledStore) -> None:
    pid = "SELECT pg_catalog.pg_backend_pid()"
    with coldstream.connect(store_schema.dsn, max_size=1) as store:

        def use() -> Any:
            store.write_message("account-1", "Child")
            with store.connection() as connection:
                return connection.execute(pid).fetchall()[0][0]

        store.write_message("account-1", "Parent")
        with store.connection() as connection:
            [(mine,)] = connection.execute(pid).fetchall()
        theirs = in_child(use)
        assert isinstance(theirs, int)
        assert theirs != mine
        with store.connection() as connection:
            assert connection.execute(pid).fetchall() == [(mine,)]
        assert [m.type for m in store.get_stream_messages("account-1")] == ["Parent", "Child"]


def test_a_child_of_who_read_the_archive_is_refused_at_once(
    fresh_store: InstalledStore, tmp_path: Path
) -> None:
    insert(fresh_store, history())
    archive = tmp_path.as_uri()
    dsn, schema = fresh_store.dsn, fresh_store.schema
    with coldstream.connect(dsn, schema=schema, archive=archive) as store:
        store.lifecycle.archive(timedelta(0))
        store.lifecycle.verify()
        store.lifecycle.drop(END)
        name = next(m.stream_name for m in store.get_category_messages("account"))

        def use() -> Any:
            with coldstream.connect(dsn, schema=schema, archive=archive) as own:
                return len(list(own.get_stream_messages(name)))

        assert in_child(use).startswith("ArchiveUnavailable: This process was forked")
        assert in_child(lambda: store.stream_version(name)) == store.stream_version(name)
        assert list(store.get_stream_messages(name))
