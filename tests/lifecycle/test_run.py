"""All that is due, in one run: what is done, what a failure keeps, what the database remembers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from tests.history import CHUNKS, START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import ArchiveCorrupt, ArchiveUnavailable, InvalidInput, LifecycleError
from coldstream.lifecycle import Policy, Step

DAY = timedelta(days=1)


def policy(compress: int | None, archive: int | None, drop: int | None) -> Policy:
    """Ages that make so many of the history's chunks due, counted from the oldest."""
    now = datetime.now(UTC)

    def age(chunks: int | None) -> timedelta | None:
        return None if chunks is None else now - (START + chunks * WEEK) - DAY / 2

    return Policy(age(compress), age(archive), age(drop))


def outcomes(steps: list[Step]) -> list[tuple[int, str, str]]:
    return [((s.chunk.range_start - START) // WEEK, s.verb, s.outcome) for s in steps]


def run(store: Store, policy: Policy, **options: Any) -> list[Step]:
    """In a connection of its own: the embedded server takes one at a time."""
    with store.opened() as opened:
        return opened.lifecycle.run(policy, **options)


def test_everything_that_is_due_and_nothing_else(store: Store) -> None:
    # Not stored: a server with background workers would compress as soon as it is.
    ages = policy(5, 3, 2)
    due = run(store, ages, dry_run=True)
    assert store.states() == ["open"] * CHUNKS
    assert outcomes(due) == [
        *((n, verb, "due") for n in (0, 1) for verb in ("archive", "verify", "drop")),
        *((2, verb, "due") for verb in ("compress", "archive", "verify")),
        *((n, "compress", "due") for n in (3, 4)),
    ]
    done = run(store, ages)
    assert [each[:2] for each in outcomes(done)] == [each[:2] for each in outcomes(due)]
    assert {step.outcome for step in done} == {"done"}
    assert all(step.seconds for step in done)
    assert run(store, ages) == []
    assert store.read_all() == store.truth
    assert store.states() == [*["dropped"] * 2, "verified", *["compressed"] * 2, "closed"]


def test_the_policy_is_in_the_database(small: Store) -> None:
    ages = Policy(3 * DAY, 10 * DAY, 20 * DAY)
    with small.opened() as opened:
        assert opened.lifecycle.get_policy() == Policy(7 * DAY)
        done = opened.lifecycle.set_policy(ages)
        assert done == ["chunks older than 3 days are compressed every hour"]
        assert opened.lifecycle.set_policy(ages) == []
        assert opened.lifecycle.get_policy() == ages
    jobs = "SELECT config ->> 'compress_after' FROM timescaledb_information.jobs WHERE "
    jobs += "proc_name = 'policy_compression' AND hypertable_schema = %s"
    assert small.run(jobs, [small.installed.schema]) == [("3 days",)]
    with small.opened() as opened:
        assert opened.lifecycle.set_policy(Policy()) == ["chunks are not compressed by themselves"]
        assert opened.lifecycle.get_policy() == Policy()
        assert opened.lifecycle.run(dry_run=True) == []
    assert small.run(jobs, [small.installed.schema]) == []


@pytest.mark.parametrize(
    "ages", ["'9 days', '8 days', NULL", "NULL, '9 days', '8 days'", "NULL, NULL, '1 day'"]
)
def test_sql_keeps_the_order_too(small: Store, ages: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Not a lifecycle policy"):
        small.run(f"SELECT set_lifecycle_policy({ages})")


def test_a_damaged_object_keeps_its_chunk_and_no_other(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.run(policy(None, 2, None))
        opened.lifecycle.archive(START + 3 * WEEK)
        damaged = store.objects()[2]
        damaged.write_bytes(b"x" * damaged.stat().st_size)
        steps = opened.lifecycle.run(policy(None, 5, 5))
        assert [each for each in outcomes(steps) if each[2] != "done"] == [
            (2, "verify", "failed"),
            (2, "drop", "skipped"),
        ]
        [problem] = [step.problem for step in steps if step.problem]
        assert isinstance(problem, ArchiveCorrupt)
        assert list(opened.get_all_messages()) == store.truth
    assert store.states() == [*["dropped"] * 2, "exported", *["dropped"] * 2, "closed"]


def test_storage_that_is_away_keeps_only_what_needs_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coldstream.archive.storage.location import ArchiveLocation

    def away(*_: object, **__: object) -> None:
        raise ArchiveUnavailable("away")

    run(store, policy(None, 1, None))
    monkeypatch.setattr(ArchiveLocation, "check_writable", away)
    steps = run(store, policy(5, 3, 1))
    assert outcomes(steps) == [
        (0, "drop", "done"),
        (1, "compress", "done"),
        (1, "archive", "failed"),
        (1, "verify", "skipped"),
        (2, "compress", "done"),
        (2, "archive", "skipped"),
        (2, "verify", "skipped"),
        (3, "compress", "done"),
        (4, "compress", "done"),
    ]
    assert not store.run("SELECT 1 FROM chunks WHERE state IN ('sealed', 'exporting')")
    assert store.read_all() == store.truth


def test_nobody_said_where_to(small: Store) -> None:
    with (
        small.opened(archive=None) as opened,
        pytest.raises(InvalidInput, match="No archive location"),
    ):
        opened.lifecycle.run(policy(2, 2, None))
    assert set(small.states()) == {"closed"}


def test_beside_a_retention_policy_nothing_runs(small: Store) -> None:
    small.run("SELECT public.add_retention_policy('messages', INTERVAL '100 years')")
    with small.opened() as opened:
        for dry_run in (True, False):
            with pytest.raises(LifecycleError, match="retention policy"):
                opened.lifecycle.run(policy(2, 2, 2), dry_run=dry_run)


def test_what_was_rehydrated_for_a_time_goes_when_it_has_passed(store: Store) -> None:
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.run(policy(None, CHUNKS, 3))
        files = store.files()
        lifecycle.rehydrate(START, START + WEEK, keep_for=7 * DAY)
        lifecycle.rehydrate(START + WEEK, START + 2 * WEEK)
        # Half of the range is in the database, and stays there as long.
        lifecycle.rehydrate(START + 2 * WEEK, START + 4 * WEEK, keep_for=7 * DAY)
        chunks = lifecycle.get_chunks()[:4]
        assert [c.state for c in chunks] == [*["rehydrated"] * 3, "verified"]
        assert all(c.is_kept for c in chunks)
        assert [bool(c.kept_until) for c in chunks] == [True, False, True, True]
        # Never shorter than what was promised before.
        lifecycle.rehydrate(START, START + WEEK, keep_for=DAY)
        assert lifecycle.get_chunks()[0].kept_until == chunks[0].kept_until
        assert outcomes(lifecycle.run(policy(None, CHUNKS, 4))) == []

    store.run("UPDATE chunks SET kept_until = now() WHERE isfinite(kept_until)")
    steps = run(store, policy(None, CHUNKS, 4))
    assert outcomes(steps) == [(n, "drop", "done") for n in (0, 2, 3)]
    assert store.read_all() == store.truth
    assert store.states()[:4] == ["dropped", "rehydrated", "dropped", "dropped"]
    assert store.files() == files


def test_the_history_says_who_did_what(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.run(policy(None, 1, 1))
        opened.lifecycle.rehydrate(START, START + WEEK)
        found = [t for t in reversed(opened.lifecycle.get_transitions()) if t.range_start == START]
    states = ["open", "closed", "sealed", "exporting", "exported", "verified", "dropped"]
    assert [(t.from_state, t.to_state) for t in found] == [
        *pairwise(states),
        ("dropped", "rehydrated"),
    ]
    [(messages,)] = small.run("SELECT count(*) FROM messages WHERE time < %s", [START + WEEK])
    assert {t.messages for t in found} == {messages}
    assert {t.role for t in found} == {"postgres"}
    assert all(t.application.startswith("coldstream ") for t in found)
    assert all(t.seconds is not None and 0 < t.seconds < 60 for t in found)
    assert [bool(t.bytes) for t in found] == [True, False, False, True, True, True, True]


def test_an_application_cannot_write_history(small: Store) -> None:
    # What late data opens again is recorded as well, by whoever wrote it.
    small.run("CALL close_ended_chunks()")
    small.run(
        "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', 0, 'T', %s)",
        [START + DAY],
    )
    small.run("CALL close_ended_chunks()")
    changes = small.run(
        "SELECT from_state, to_state FROM transitions WHERE range_start = %s ORDER BY id", [START]
    )
    assert changes == [("open", "closed"), ("closed", "open"), ("open", "closed")]
    allowed = small.run(
        "SELECT has_table_privilege(%s, 'transitions', 'INSERT')", [small.installed.role]
    )
    assert allowed == [(False,)]


def test_awaited(small: Store) -> None:
    async def awaited() -> list[Step]:
        async with coldstream.connect_async(
            small.installed.dsn, schema=small.installed.schema, archive=small.archive
        ) as opened:
            await opened.lifecycle.set_policy(policy(None, 2, 2))
            assert (await opened.lifecycle.get_policy()).compress_after is None
            steps = await opened.lifecycle.run()
            assert len(await opened.lifecycle.get_transitions(3)) == 3
            return steps

    assert {step.outcome for step in asyncio.run(awaited())} == {"done"}
    assert small.read_all() == small.truth


@pytest.mark.native
def test_the_second_waits_or_says_who_is_at_work(small: Store) -> None:
    import threading

    from coldstream import LifecycleBusy
    from coldstream.lifecycle.session import working

    with small.opened() as opened, small.opened() as second:
        with working(opened):
            with pytest.raises(LifecycleBusy, match=r"Another lifecycle .*: coldstream \S+ \d+"):
                second.lifecycle.run(policy(2, None, None))
            assert second.lifecycle.run(policy(2, None, None), dry_run=True)
            found: list[list[Step]] = []
            waiting = threading.Thread(
                target=lambda: found.append(
                    second.lifecycle.run(policy(2, None, None), wait=timedelta(seconds=30))
                )
            )
            waiting.start()
        waiting.join()
    assert [outcome for _, _, outcome in outcomes(found[0])] == ["done", "done"]
