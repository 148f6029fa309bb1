"""The rows of a chunk come through ADBC or through psycopg; what is archived is the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.lifecycle.conftest import Store

from coldstream.lifecycle import chunk_rows

OLD = datetime(2025, 12, 1, tzinfo=UTC)


def test_both_ways_archive_the_same_bytes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = chunk_rows._second_connection
    tried = []

    def seen(*arguments: object) -> object:
        tried.append(connect(*arguments))  # type: ignore[arg-type]
        return tried[-1]

    with store.opened() as opened:
        monkeypatch.setattr(chunk_rows, "_second_connection", seen)
        fast = opened.lifecycle.archive(OLD)
        monkeypatch.setattr(chunk_rows, "_second_connection", lambda *_: None)
        slow = opened.lifecycle.archive(OLD, again=True)
        only_one_connection = opened.max_size == 1
    # The embedded server has no second connection to give; everywhere else there is one.
    assert [connection is None for connection in tried] == [only_one_connection] * len(fast)
    # An object's name has the hash of its bytes.
    assert [chunk.archive_object for chunk in fast] == [chunk.archive_object for chunk in slow]


def test_another_server_is_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.opened() as opened, opened.connection() as connection:
        session = chunk_rows.Session(connection, opened.schema)
        monkeypatch.setattr(
            chunk_rows.Session, "one", lambda *_: ("2000-01-01 00:00:00+00", "another")
        )
        assert chunk_rows._second_connection(session, opened.dsn) is None
