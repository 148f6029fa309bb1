"""The rows of a chunk come through ADBC or through psycopg; what is archived is the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.lifecycle.conftest import Store

from coldstream.archive.format.rows import Batch
from coldstream.errors import LifecycleError
from coldstream.lifecycle import Chunk, Lifecycle, Policy, chunk_rows
from coldstream.lifecycle.session import Session

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
    # The embedded server has no second connection to give, at no chunk; everywhere else there is
    # one, which is kept.
    assert len(fast) > 1
    assert [connection is None for connection in tried] == (
        [True] * len(fast) if only_one_connection else [False]
    )
    # An object's name has the hash of its bytes.
    assert [chunk.archive_object for chunk in fast] == [chunk.archive_object for chunk in slow]


def test_another_server_is_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.opened() as opened, opened.connection() as connection:
        session = Session(connection, opened.schema)
        monkeypatch.setattr(Session, "one", lambda *_: ("2000-01-01 00:00:00+00", "another"))
        assert chunk_rows._second_connection(session, opened.dsn) is None


@pytest.mark.native
def test_a_connection_that_was_lost_between_two_chunks(store: Store) -> None:
    """The one that is kept for the rows was idle meanwhile, and an idle one may be closed."""
    lost = []

    def progress(chunk: Chunk, step: str, done: int, total: int | None, /) -> None:
        if step == "seal":
            lost.append(
                store.run(
                    "SELECT pid, pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE application_name = 'coldstream' AND datname = current_database()"
                )
            )

    with store.opened(max_size=1) as opened:
        opened.lifecycle = Lifecycle(opened, progress=progress)
        archived = opened.lifecycle.archive(OLD)
    assert [len(found) for found in lost] == [0] + [1] * (len(archived) - 1)
    assert len(archived) > 1
    with store.opened() as opened:
        assert [each.problem for each in opened.lifecycle.verify()] == [None] * len(archived)


def test_a_chunk_that_is_broken_off_in_the_middle(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is in the middle of an answer, and is not the next chunk's."""
    first = iter([True])

    class Broken(chunk_rows.ChunkRows):
        def of(self, chunk: Chunk) -> Iterator[Batch]:
            for batch in super().of(chunk):
                if next(first, False):
                    raise LifecycleError("in the middle")
                yield batch

    monkeypatch.setattr("coldstream.lifecycle.run.ChunkRows", Broken)
    with store.opened() as opened:
        steps = opened.lifecycle.run(Policy(archive_after=timedelta(days=30)))
    outcomes = [(step.verb, step.outcome) for step in steps]
    assert outcomes[:2] == [("archive", "failed"), ("verify", "skipped")]
    assert set(outcomes[2:]) == {("archive", "done"), ("verify", "done")}
