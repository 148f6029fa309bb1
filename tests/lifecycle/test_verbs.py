"""Each verb: what it does, that a dry run does nothing, and that a second run has nothing to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.history import CHUNKS, END, START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import InvalidInput, LifecycleError

OLD = datetime(2025, 12, 1, tzinfo=UTC)


def advance(store: coldstream.Store, verb: str) -> None:
    """Everything that comes before a verb."""
    lifecycle = store.lifecycle
    for each, step in (
        ("compress", lambda: lifecycle.compress(OLD)),
        ("archive", lambda: lifecycle.archive(OLD)),
        ("verify", lambda: lifecycle.verify()),
    ):
        if each == verb:
            return
        step()


@pytest.mark.parametrize("verb", ["compress", "archive", "drop"])
def test_a_dry_run_shows_what_is_due_and_changes_nothing(small: Store, verb: str) -> None:
    with small.opened() as opened:
        advance(opened, verb)
    small.run("CALL close_ended_chunks()")
    before, files = small.snapshot(), small.files()
    with small.opened() as opened:
        due = getattr(opened.lifecycle, verb)(OLD, dry_run=True)
    assert len(due) == 2
    assert small.snapshot() == before
    assert small.files() == files


def test_a_dry_run_of_rehydration_changes_nothing(small: Store) -> None:
    with small.opened() as opened:
        advance(opened, "drop")
        opened.lifecycle.drop(OLD)
    before = small.snapshot()
    with small.opened() as opened:
        due = opened.lifecycle.rehydrate(START, END, dry_run=True)
    assert len(due) == 2
    assert small.snapshot() == before


@pytest.mark.parametrize("verb", ["compress", "archive", "verify", "drop"])
def test_a_second_run_has_nothing_to_do(small: Store, verb: str) -> None:
    arguments: list[Any] = [] if verb == "verify" else [OLD]
    with small.opened() as opened:
        advance(opened, verb)
        assert len(getattr(opened.lifecycle, verb)(*arguments)) == 2
    before, files = small.snapshot(), small.files()
    with small.opened() as opened:
        assert getattr(opened.lifecycle, verb)(*arguments) == []
    assert small.snapshot() == before
    assert small.files() == files


@pytest.mark.parametrize("verb", ["compress", "archive", "drop"])
def test_what_is_no_age(small: Store, verb: str) -> None:
    with small.opened() as opened:
        for older_than, problem in (
            (timedelta(seconds=-1), "means the future"),
            (datetime(2200, 1, 1, tzinfo=UTC), "means the future"),
            (datetime(2025, 1, 1), "without a time zone"),
        ):
            with pytest.raises(InvalidInput, match=problem):
                getattr(opened.lifecycle, verb)(older_than)
    assert set(small.states()) == {"closed"}


def test_the_states_in_order(store: Store) -> None:
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        until = START + 2 * WEEK
        seen = []
        for step in (
            lambda: lifecycle.compress(until),
            lambda: lifecycle.archive(until),
            lambda: lifecycle.verify(),
            lambda: lifecycle.drop(until),
            lambda: lifecycle.rehydrate(START, START + WEEK),
            lambda: lifecycle.drop(until),
        ):
            step()
            seen.append([c.state for c in lifecycle.get_chunks()][:3])
    assert seen == [
        ["compressed", "compressed", "closed"],
        ["exported", "exported", "closed"],
        ["verified", "verified", "closed"],
        ["dropped", "dropped", "closed"],
        ["rehydrated", "dropped", "closed"],
        ["dropped", "dropped", "closed"],
    ]
    assert store.read_all() == store.truth


def test_a_chunk_that_has_not_ended_is_never_due(store: Store) -> None:
    with store.opened() as opened:
        opened.write_message("account-1", "T")
        lifecycle = opened.lifecycle
        for verb in ("compress", "archive"):
            due = getattr(lifecycle, verb)(timedelta(0))
            assert len(due) == CHUNKS
        newest = lifecycle.get_chunks()[-1]
    assert (newest.state, newest.tier) == ("open", "hot")


def test_chunks_report_their_tier_and_size(store: Store) -> None:
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.compress(START + 4 * WEEK)
        lifecycle.archive(START + 3 * WEEK)
        lifecycle.verify()
        lifecycle.drop(START + 2 * WEEK)
        lifecycle.rehydrate(START, START + WEEK)
        chunks = lifecycle.get_chunks()[:CHUNKS]
    assert [c.tier for c in chunks] == ["rehydrated", "cold", "warm", "warm", "hot", "hot"]
    assert [c.in_database for c in chunks] == [True, False, True, True, True, True]
    assert [c.is_compressed for c in chunks] == [False, False, True, True, False, False]
    assert [c.archive_object is not None for c in chunks] == [True] * 3 + [False] * 3
    assert sum(c.messages or 0 for c in chunks) == len(store.truth)
    for number, chunk in enumerate(chunks):
        there = [m for m in store.truth if (m.time - START) // WEEK == number]
        assert chunk.messages == len(there)
        assert chunk.first_global_position == min(m.global_position for m in there)
        assert chunk.last_global_position == max(m.global_position for m in there)
        assert (chunk.range_start, chunk.range_end) == (
            START + number * WEEK,
            START + (number + 1) * WEEK,
        )
    assert all(c.row_bytes for c in chunks)
    assert chunks[2].columnstore_bytes
    assert chunks[2].compression_ratio
    assert chunks[1].archive_bytes == store.objects()[1].stat().st_size


def test_compression_from_sql(store: Store) -> None:
    moved = store.run("SELECT * FROM compress_chunks_older_than(INTERVAL '60 days')")
    assert len(moved) == CHUNKS
    assert all(row_bytes and columnstore_bytes for *_, row_bytes, columnstore_bytes in moved)
    assert store.states() == ["compressed"] * CHUNKS
    assert store.run("SELECT * FROM compress_chunks_older_than(INTERVAL '60 days')") == []
    assert store.read_all() == store.truth


def test_get_chunks_from_sql_before_anything_is_closed(small: Store) -> None:
    rows = small.run("SELECT tier, state, is_compressed, messages FROM get_chunks()")
    assert set(rows) == {("hot", "open", False, None)}
    assert len(rows) >= 2


@pytest.mark.parametrize("call", ["compress_chunks_older_than", "drop_chunks_older_than"])
@pytest.mark.parametrize("age", ["INTERVAL '-1 second'", "NULL"])
def test_sql_refuses_what_is_no_age(small: Store, call: str, age: str) -> None:
    before = small.snapshot()
    with pytest.raises(Exception, match="Not an age") as caught:
        small.run(f"SELECT * FROM {call}({age})")
    assert getattr(caught.value, "sqlstate", None) == "22023"
    assert small.snapshot() == before


def test_no_archive_location(small: Store) -> None:
    before = small.states()
    with small.opened(archive=None) as opened:
        with pytest.raises(InvalidInput, match="No archive location") as caught:
            opened.lifecycle.archive(OLD)
        assert "COLDSTREAM_ARCHIVE" in f"{caught.value.hint}"
    assert small.states() == before


@pytest.mark.parametrize("verb", ["archive", "drop"])
def test_a_retention_policy_beside_it_is_refused(small: Store, verb: str) -> None:
    with small.opened() as opened:
        advance(opened, verb)
    small.run(
        "SELECT public.add_retention_policy(%s, INTERVAL '10 years')",
        [f"{small.installed.schema}.messages"],
    )
    before = small.snapshot()
    with small.opened() as opened:
        with pytest.raises(LifecycleError, match="retention policy") as caught:
            getattr(opened.lifecycle, verb)(OLD)
        assert "remove_retention_policy" in f"{caught.value.hint}"
    assert small.snapshot()[3] == before[3]
    with pytest.raises(Exception, match="retention policy") as refused:
        small.run("SELECT * FROM drop_chunks_older_than(INTERVAL '60 days')")
    assert getattr(refused.value, "sqlstate", None) == "CS008"


async def _everything(store: Store) -> list[list[str]]:
    async with coldstream.connect_async(
        store.installed.dsn, schema=store.installed.schema, archive=store.archive
    ) as opened:
        lifecycle = opened.lifecycle
        await opened.write_message("new-1", "T")
        await lifecycle.compress(OLD)
        await lifecycle.archive(OLD)
        assert [v.problem for v in await lifecycle.verify()] == [None] * CHUNKS
        await lifecycle.drop(OLD)
        cold = [c.tier for c in await lifecycle.get_chunks()]
        await lifecycle.rehydrate(START, END)
        back = [c.tier for c in await lifecycle.get_chunks()]
        return [cold, back, [m.stream_name async for m in opened.get_category_messages("new")]]


def test_every_verb_awaited(store: Store) -> None:
    import asyncio

    cold, back, new = asyncio.run(_everything(store))
    assert cold[:CHUNKS] == ["cold"] * CHUNKS
    assert back[:CHUNKS] == ["rehydrated"] * CHUNKS
    assert new == ["new-1"]
