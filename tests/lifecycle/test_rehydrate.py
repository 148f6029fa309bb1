"""Back into the database: all of a range, a part of it, twice, and out again without an export."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.conninfo import make_conninfo
from tests.history import CHUNKS, END, START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import ArchiveCorrupt, ChunkChanged, InvalidInput
from coldstream.archive.format.rows import Row
from coldstream.lifecycle import loading
from coldstream.lifecycle.loading import Loading

OLD = datetime(2025, 12, 1, tzinfo=UTC)


def test_rows_are_back_as_they_were(archived: Store) -> None:
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(START, END)
    rows = archived.run(
        "SELECT id, data::text, metadata::text FROM messages ORDER BY global_position"
    )
    assert rows == [(m.id, m.data_text, m.metadata_text) for m in archived.truth]
    assert len(archived.run("SELECT * FROM get_all_messages()")) == len(archived.truth)
    assert len(archived.run("SELECT * FROM get_stream_messages('account-1')")) == 24


def test_twice_is_once(archived: Store) -> None:
    with archived.opened() as opened:
        assert len(opened.lifecycle.rehydrate(START, END)) == CHUNKS
        assert opened.lifecycle.rehydrate(START, END) == []
        assert list(opened.get_all_messages()) == archived.truth
    assert archived.states() == ["rehydrated"] * CHUNKS


@pytest.mark.parametrize(
    ("start", "end", "chunks"),
    [
        (START, START + WEEK, [0]),
        (START + WEEK / 2, START + WEEK, [0]),
        (START + WEEK / 2, START + WEEK + timedelta(seconds=1), [0, 1]),
        (START - 50 * WEEK, START + timedelta(microseconds=1), [0]),
        (END - timedelta(microseconds=1), END + WEEK, [5]),
    ],
)
def test_a_part_brings_whole_chunks(
    archived: Store, start: datetime, end: datetime, chunks: list[int]
) -> None:
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(start, end)
        assert list(opened.get_all_messages()) == archived.truth
        assert list(opened.get_category_messages("account", batch_size=5)) == [
            m for m in archived.truth if m.category == "account"
        ]
    assert [n for n, s in enumerate(archived.states()) if s == "rehydrated"] == chunks


def test_a_range_that_cannot_be(archived: Store) -> None:
    with archived.opened() as opened:
        for start, end, problem in (
            (START - 9 * WEEK, START, "The store has no messages from"),
            (END, START, "The range ends before it starts"),
            (START, START, "The range ends before it starts"),
            (START.replace(tzinfo=None), END, "without a time zone"),
            (START, END.replace(tzinfo=None), "without a time zone"),
        ):
            with pytest.raises(InvalidInput, match=problem):
                opened.lifecycle.rehydrate(start, end)
    assert archived.states() == ["dropped"] * CHUNKS


def test_what_never_left_is_left_as_it_is(store: Store) -> None:
    with store.opened() as opened:
        assert opened.lifecycle.rehydrate(START, END) == []
    assert store.states() == ["closed"] * CHUNKS


def test_a_run_that_was_stopped_is_gone_on_with_and_seen_by_none(
    archived: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "STEP_ROWS", 5)
    steps: list[int] = []
    step = Loading._step

    def stopped(self: Loading, staged: str, rows: list[Row], looked_at: int) -> None:
        if looked_at == 15 and 15 not in steps:
            steps.append(15)
            raise KeyboardInterrupt
        step(self, staged, rows, looked_at)
        steps.append(looked_at)

    monkeypatch.setattr(Loading, "_step", stopped)
    first = [m for m in archived.truth if m.time < START + WEEK]
    with archived.opened() as opened:
        with pytest.raises(KeyboardInterrupt):
            opened.lifecycle.rehydrate(START, START + WEEK)
        # Neither the client nor plain SQL sees what is loaded so far.
        assert list(opened.get_all_messages()) == archived.truth
        # Other streams are another load.
        steps.clear()
        with pytest.raises(KeyboardInterrupt):
            opened.lifecycle.rehydrate(START, START + WEEK, streams="account-*")
        steps.clear()
        steps.append(15)
        opened.lifecycle.rehydrate(START, START + WEEK, streams="account-*")
        assert steps[:2] == [15, 15]
        assert list(opened.get_all_messages()) == archived.truth
    assert archived.run("SELECT count(*) FROM messages") == [
        (sum(m.category == "account" and "-" in m.stream_name for m in first),)
    ]
    assert archived.run("SELECT to_regclass(staged_name(%s))", [START]) == [(None,)]


def test_what_nobody_goes_on_with_is_dropped(
    archived: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "STEPS_AFTER", 0)
    with archived.opened() as opened:
        with pytest.raises(ChunkChanged):
            opened.lifecycle.rehydrate(START, START + WEEK)
        monkeypatch.setattr(Loading, "_steps", lambda self: (_ for _ in [][1]))
        with pytest.raises(IndexError):
            opened.lifecycle.rehydrate(START, START + WEEK)
        opened.lifecycle.run()
        assert archived_tables(opened) == 1
        with opened.connection() as connection:
            forget = f"SELECT {opened.schema}.forget_staged('0 s')".encode()
            assert connection.execute(forget).fetchone() == (1,)
        assert archived_tables(opened) == 0


def archived_tables(opened: coldstream.Store) -> int:
    """How many tables of rehydrations there are."""
    with opened.connection() as connection:
        rows = connection.execute(
            "SELECT FROM pg_class WHERE relkind = 'r' AND starts_with(relname, 'rehydrating_')"
            " AND relnamespace = to_regnamespace(%s)",
            [opened.schema],
        ).fetchall()
    return len(rows)


def test_out_again_without_a_new_export(archived: Store) -> None:
    files = archived.files()
    with archived.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.rehydrate(START, END)
        assert lifecycle.archive(OLD) == []
        assert lifecycle.compress(OLD) == []
        assert [d.reason for d in lifecycle.drop(OLD)] == [None] * CHUNKS
        assert list(opened.get_all_messages()) == archived.truth
    assert archived.states() == ["dropped"] * CHUNKS
    assert archived.files() == files


def test_rows_that_changed_after_rehydration_stay(archived: Store) -> None:
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(START, START + WEEK)
    [(chunk,)] = archived.run("SELECT chunk_name FROM chunks WHERE state = 'rehydrated'")
    archived.run("SELECT unfreeze(%s::regclass)", [chunk])
    archived.run("UPDATE messages SET data = '7'")
    with archived.opened() as opened, pytest.raises(Exception, match="not the ones"):
        opened.lifecycle.drop(OLD)
    assert archived.states()[0] == "rehydrated"


def test_a_damaged_object_rehydrates_nothing(archived: Store) -> None:
    damaged = archived.objects()[0]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    with archived.opened() as opened, pytest.raises(ArchiveCorrupt):
        opened.lifecycle.rehydrate(START, START + WEEK)
    assert archived.states() == ["dropped"] * CHUNKS
    assert archived.run("SELECT count(*) FROM messages") == [(0,)]


def test_a_write_goes_on_beside_rehydrated_history(archived: Store) -> None:
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(START, END)
        assert opened.write_message("account-1", "T").position == 24
        opened.lifecycle.drop(OLD)
        assert [m.position for m in opened.get_stream_messages("account-1")] == list(range(25))


def test_an_id_may_not_come_back_while_its_message_is_rehydrated(archived: Store) -> None:
    # The window in which ids are unique does not depend on what is rehydrated.
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(START, END)
        assert opened.write_message("new-1", "T", id=archived.truth[0].id).position == 0


@pytest.mark.native  # the embedded server has one role that logs in
def test_a_superuser_who_did_not_install_the_store(archived: Store) -> None:
    admin = f"admin_{os.getpid()}"  # roles are the whole server's
    archived.run(f"CREATE ROLE {admin} LOGIN SUPERUSER PASSWORD 'x'")
    dsn = make_conninfo(archived.installed.dsn, user=admin, password="x")
    try:
        with coldstream.connect(
            dsn, schema=archived.installed.schema, archive=archived.archive
        ) as opened:
            opened.lifecycle.rehydrate(START, END)
            assert list(opened.get_all_messages()) == archived.truth
            opened.lifecycle.drop(OLD)
            assert list(opened.get_all_messages()) == archived.truth
    finally:
        archived.run(f"DROP OWNED BY {admin}")
        archived.run(f"DROP ROLE {admin}")


def test_what_is_back_is_found_when_the_schema_has_another_name(archived: Store) -> None:
    dsn, schema = archived.installed.dsn, archived.installed.schema
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(START, START + WEEK, streams="account-*")
        opened.lifecycle.rehydrate(START + WEEK, START + 2 * WEEK)
    states = archived.states()
    archived.run(f"ALTER SCHEMA {schema} RENAME TO {schema}_moved")
    try:
        coldstream.install(dsn, schema=f"{schema}_moved")
        with coldstream.connect(dsn, schema=f"{schema}_moved", archive=archived.archive) as opened:
            assert list(opened.get_all_messages()) == archived.truth
            chunks = opened.lifecycle.get_chunks()
            assert [chunk.state for chunk in chunks][: len(states)] == states
            [part] = [chunk for chunk in chunks if chunk.part_streams]
            assert part.part_streams == ["account-*"]
            opened.lifecycle.rehydrate(START, START + WEEK)
            opened.lifecycle.drop(OLD)
            assert list(opened.get_all_messages()) == archived.truth
    finally:
        archived.run(f"ALTER SCHEMA {schema}_moved RENAME TO {schema}")
